"""Vectors of one byte a number: what they stand for, and what they are as columns."""

import numpy as np
import pyarrow as pa
import pytest

from ftm_ray.vectors.small_vectors import SmallVectors
from ftm_ray.vectors.unit_vectors import random_vectors


def columns_of(small):
    return pa.chunked_array([small.numbers_column()]), pa.chunked_array([pa.array(small.scales)])


def test_a_small_vector_stands_for_its_vector(embeddings):
    small = SmallVectors.of(embeddings)
    again = small.numbers.astype(np.float32) * small.scales[:, None]
    assert np.abs(again - embeddings).max() <= small.scales.max() / 2 + 1e-7
    assert np.abs(small.numbers).max() == 127
    assert small.shape == embeddings.shape


def test_nearest_neighbours_stay(encoder, embeddings):
    question = encoder.encode(["containers on the sea"])[0]
    exact, small = embeddings @ question, SmallVectors.of(embeddings) @ question
    assert np.abs(exact - small).max() < 0.005
    assert set(np.argsort(-exact)[:10]) == set(np.argsort(-small)[:10])


@pytest.mark.parametrize("n", [0, 1, 8192, 8193])
def test_blocks_are_not_seen_in_the_result(n):
    vectors = random_vectors(n, 16)
    small = SmallVectors.of(vectors)
    expected = (small.numbers.astype(np.float32) @ np.eye(16, dtype=np.float32)[3]) * small.scales
    assert np.allclose(small @ np.eye(16, dtype=np.float32)[3], expected)


def test_columns_give_back_what_went_in(embeddings):
    small = SmallVectors.of(embeddings)
    again = SmallVectors.from_columns(*columns_of(small))
    assert np.array_equal(again.numbers, small.numbers)
    assert np.array_equal(again.scales, small.scales)


def test_columns_in_pieces_and_slices_give_the_same(embeddings):
    small = SmallVectors.of(embeddings)
    table = pa.table(dict(zip(("vector", "scale"), columns_of(small), strict=True)))
    pieces = pa.concat_tables([table.slice(3, 10), table.slice(0, 0), table.slice(40)])
    again = SmallVectors.from_columns(pieces["vector"], pieces["scale"])
    assert np.array_equal(again.numbers, small.numbers[[*range(3, 13), *range(40, 60)]])
    assert np.array_equal(again.scales, small.scales[[*range(3, 13), *range(40, 60)]])


def test_no_vectors_are_no_vectors():
    small = SmallVectors.of(np.zeros((0, 16), dtype=np.float32))
    assert SmallVectors.from_columns(*columns_of(small)).shape == (0, 16)


def test_a_vector_of_nothing_stays_nothing():
    small = SmallVectors.of(np.zeros((1, 16), dtype=np.float32))
    assert (small @ np.ones(16, dtype=np.float32)).tolist() == [0.0]
