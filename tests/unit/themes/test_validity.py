"""Which clusters are themes, and that the topics of the others are counted."""

import pytest
from topic_sets import SETTINGS, assert_adds_up, firms, topic_set

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.finder import find_themes


def test_the_talk_of_one_firm_is_no_theme_and_is_counted(blobs):
    found = find_themes(topic_set(blobs([10, 10, 10]), [*firms(20), *["F1"] * 10]), SETTINGS)
    assert [theme.rows[0] for theme in found.themes] == [0, 10]
    assert found.n_in_invalid == {"too_few_firms": 10}
    assert_adds_up(found, 30)


@pytest.mark.parametrize(("of_one_firm", "n_themes"), [(4, 2), (5, 1)])
def test_a_firm_may_have_forty_percent_of_a_theme_and_not_more(blobs, of_one_firm, n_themes):
    who = [*firms(10), *["big"] * of_one_firm, *[f"G{i}" for i in range(10 - of_one_firm)]]
    found = find_themes(topic_set(blobs([10, 10]), who), SETTINGS)
    assert len(found.themes) == n_themes
    assert found.n_in_invalid == ({} if n_themes == 2 else {"one_firm_dominates": 10})
    assert_adds_up(found, 20)


def test_the_smallest_number_of_firms_can_be_raised(blobs):
    topics = topic_set(blobs([12, 12]), [*firms(12, 3), *firms(12, 6)])
    found = find_themes(topics, ThemeSettings(min_firms=4, max_theme_ratio=1.0))
    assert [theme.n_firms for theme in found.themes] == [6]
    assert found.n_in_invalid == {"too_few_firms": 12}


def test_themes_of_boilerplate_are_left_out_and_counted(blobs):
    likely = [0.0] * 10 + [0.3] * 10
    found = find_themes(topic_set(blobs([10, 10]), firms(20), boilerplate=likely), SETTINGS)
    assert [theme.rows for theme in found.themes] == [tuple(range(10))]
    assert found.n_in_invalid == {"boilerplate": 10}


def test_one_doubtful_topic_does_not_cost_a_theme(blobs):
    likely = [0.0] * 19 + [0.9]
    assert len(find_themes(topic_set(blobs([10, 10]), firms(20), boilerplate=likely), SETTINGS).themes) == 2


def test_no_theme_is_valid_and_all_topics_are_counted(blobs):
    found = find_themes(topic_set(blobs([10, 10]), ["F0"] * 10 + ["F1"] * 10), SETTINGS)
    assert found.themes == ()
    assert found.n_in_invalid == {"too_few_firms": 20}
