"""Texts are compared with their own sentences and with those of others."""

import numpy as np
import pytest

from ftm_ray.naming.label_counts import distinct_ratio
from ftm_ray.naming.support import nearness, support
from ftm_ray.vectors.unit_vectors import random_vectors

OWN = random_vectors(40, 16)
FIRMS = [f"F{row % 8}" for row in range(40)]


def near(vectors, seed=1):
    noise = np.random.default_rng(seed).standard_normal(vectors.shape) * 0.1
    found = vectors + noise
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_texts_of_their_own_sentences_are_told_from_shuffled_ones():
    assert nearness(near(OWN), OWN, FIRMS).auc > 0.99
    assert nearness(near(np.roll(OWN, 3, axis=0)), OWN, FIRMS).auc == pytest.approx(0.5, abs=0.1)


def test_the_same_text_everywhere_is_chance():
    same = np.repeat(OWN[:1], 40, axis=0)
    assert nearness(same, OWN, FIRMS).auc == pytest.approx(0.5, abs=0.1)


def test_topics_of_the_same_firm_are_no_others():
    of_one_firm = nearness(near(OWN), OWN, ["F0"] * 40)
    assert of_one_firm.auc is None
    assert np.isnan(of_one_firm.rank).all()


def test_support_is_the_mean_of_meaning_and_words():
    found = nearness(near(OWN), OWN, FIRMS)
    full = support(found, [1.0] * 40)
    none = support(found, [0.0] * 40)
    assert all(0.5 < value <= 1.0 for value in full)
    assert [a - b for a, b in zip(full, none, strict=True)] == pytest.approx([0.5] * 40, abs=1e-3)


def test_what_cannot_be_compared_has_no_support():
    found = nearness(near(OWN[:3]), OWN[:3], ["a", "b", "c"])
    assert support(found, [1.0] * 3) == [None] * 3
    assert support(nearness(near(OWN), OWN, FIRMS), [None] * 40) == [None] * 40
    assert nearness(OWN[:0], OWN[:0], []).auc is None


def test_more_others_than_are_looked_at_give_the_same_numbers_each_time():
    many = random_vectors(2500, 8)
    groups = [str(row) for row in range(2500)]
    one, other = (nearness(near(many), many, groups) for _ in range(2))
    assert one.auc == other.auc > 0.9


@pytest.mark.parametrize(
    ("labels", "ratio"),
    [
        ([], None),
        (["a"], 1.0),
        (["a", "A"], 0.5),
        ([str(n) for n in range(100)], 1.0),
        (["a"] * 100, 0.01),
        ([str(n) for n in range(1000)], 1.0),
        (["a"] * 1000, 0.01),
    ],
)
def test_distinct_labels_are_counted_among_a_hundred(labels, ratio):
    assert distinct_ratio(labels) == (ratio if ratio is None else pytest.approx(ratio))


def test_a_run_ten_times_as_large_has_the_same_ratio():
    assert distinct_ratio([str(n % 50) for n in range(10_000)]) == pytest.approx(
        distinct_ratio([str(n % 50) for n in range(100_000)]), abs=0.01
    )
