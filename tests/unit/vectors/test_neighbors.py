"""Neighbours are exact, and the same whatever the blocks."""

import numpy as np
import pytest

from ftm_ray.vectors.neighbors import nearest_neighbors


def test_neighbours_are_those_of_a_full_sort(blobs):
    vectors = blobs([30, 30], spread=0.3)
    indices, distances = nearest_neighbors(vectors, 7)
    exact = 1.0 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(exact, -1.0)
    assert np.array_equal(indices, np.argsort(exact, axis=1)[:, :7])
    np.fill_diagonal(exact, 0.0)
    assert distances == pytest.approx(np.take_along_axis(exact, indices, axis=1), abs=1e-6)


def test_neighbours_do_not_depend_on_the_size_of_the_blocks(blobs, monkeypatch):
    vectors = blobs([30, 30], spread=0.3)
    whole = nearest_neighbors(vectors, 5)
    monkeypatch.setattr("ftm_ray.vectors.neighbors._BLOCK_ROWS", 7)  # 60 is no multiple of 7
    assert np.array_equal(nearest_neighbors(vectors, 5)[0], whole[0])


def test_among_exact_copies_each_point_is_its_own_first_neighbour():
    vectors = np.tile(np.array([[0.6, 0.8]], np.float32), (20, 1))
    indices, distances = nearest_neighbors(vectors, 6)
    assert indices[:, 0].tolist() == list(range(20))
    assert all(len(set(row)) == 6 for row in indices.tolist())
    assert distances.min() >= 0.0
    assert distances == pytest.approx(0.0, abs=1e-6)


def test_equal_distances_are_ordered_by_position():
    vectors = np.eye(300, dtype=np.float32)  # all others are equally far, and the partition shuffles them
    indices, _ = nearest_neighbors(vectors, 100)
    for row, (first, *others) in enumerate(indices.tolist()):
        assert first == row
        assert others == sorted(others)


@pytest.mark.parametrize("n", [60, 256, 700])
def test_cores_that_share_the_work_change_no_byte(blobs, monkeypatch, n):
    vectors = blobs([n // 2, n - n // 2], spread=0.3)
    alone = nearest_neighbors(vectors, 9)
    monkeypatch.setattr("ftm_ray.vectors.neighbors._WORTH_THREADS", 1)
    for one, other in zip(alone, nearest_neighbors(vectors, 9), strict=True):
        assert one.dtype == other.dtype and one.tobytes() == other.tobytes()
