"""Themes of themes: only above 200, at most 80, each with words of its own."""

import numpy as np
from topic_sets import firms, topic_set

from ftm_ray.themes.groups import MAX_UNGROUPED, group_keywords, group_themes
from ftm_ray.vectors.unit_vectors import random_vectors


def test_few_themes_are_in_no_group():
    assert group_themes([]) is None
    assert group_themes(list(random_vectors(MAX_UNGROUPED, 8))) is None


def test_many_themes_are_in_40_to_80_groups_the_largest_first():
    for n_themes, n_groups in ((201, 40), (600, 60), (1500, 80)):
        groups = group_themes(list(random_vectors(n_themes, 8)))
        sizes = np.bincount(groups)
        assert len(sizes) == n_groups
        assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)


def test_like_themes_are_in_one_group(blobs):
    centers = blobs([6] * 40, dim=40, spread=0.01)
    groups = group_themes(list(centers))
    of_blob = groups.reshape(40, 6)
    assert (of_blob == of_blob[:, :1]).all()
    assert len(set(of_blob[:, 0].tolist())) == 40


def test_a_group_is_called_by_words_of_several_firms_of_its_themes():
    words = [("tariff",)] * 4 + [("cloud",)] * 4
    topics = topic_set(random_vectors(8, 4), firms(8, 4), keywords=words)
    found = group_keywords(topics, [(0, 1), (2, 3), (4, 5, 6)], np.array([0, 0, 1]), 3)
    assert found == [("tariff",), ("cloud",)]
