"""Themes over the topics of all firms: found, described, and all topics counted."""

import numpy as np
import pytest
from topic_sets import SETTINGS, assert_adds_up, firms, topic_set

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.finder import Theme, find_themes, nearest_themes
from ftm_ray.themes.scaling import MIN_TOPICS


def test_each_group_of_topics_becomes_a_theme_largest_first(blobs):
    found = find_themes(topic_set(blobs([12, 20, 15]), firms(47)), SETTINGS)
    assert [theme.rows for theme in found.themes] == [
        tuple(range(12, 32)),
        tuple(range(32, 47)),
        tuple(range(12)),
    ]
    assert_adds_up(found, 47)


def test_finding_twice_gives_the_same(blobs):
    topics = topic_set(blobs([12, 20, 15], spread=0.3), firms(47))
    one, other = find_themes(topics, SETTINGS), find_themes(topics, SETTINGS)
    assert [theme.rows for theme in one.themes] == [theme.rows for theme in other.themes]
    assert [theme.similarities for theme in one.themes] == [theme.similarities for theme in other.themes]


@pytest.mark.parametrize("n", [0, 1, MIN_TOPICS - 1])
def test_too_few_topics_give_no_themes_and_are_counted(blobs, n):
    found = find_themes(topic_set(blobs([12])[:n], firms(n)), SETTINGS)
    assert found.themes == ()
    assert_adds_up(found, n)


def test_the_fewest_topics_that_can_be_clustered_are(blobs):
    found = find_themes(topic_set(blobs([6, 6]), firms(MIN_TOPICS, 3)), SETTINGS)
    assert [len(theme.rows) for theme in found.themes] == [6, 6]


# --- what is said of a theme ---------------------------------------------------------------------------------------


def test_firms_are_ranked_by_what_they_said_on_the_theme(blobs):
    who = ["A", "B", "C", "A", "B", "C"] * 2
    n_said = [1, 5, 1, 1, 5, 2] * 2
    theme = find_themes(topic_set(blobs([6, 6]), who, n_sentences=n_said), SETTINGS).themes[0]
    assert theme.top_firms == ("B", "C", "A")
    assert (theme.n_firms, theme.max_firm_ratio) == (3, pytest.approx(2 / 6))


def test_firms_that_said_equally_much_are_in_alphabetical_order(blobs):
    who = [*["Z", "M", "A"] * 2, *["Z", "M", "A"] * 2]
    theme = find_themes(topic_set(blobs([6, 6]), who), SETTINGS).themes[0]
    assert theme.top_firms == ("A", "M", "Z")


def test_similarities_are_cosines_to_the_centre_in_the_order_of_the_topics(blobs):
    vectors = blobs([10, 10], spread=0.2)
    theme = find_themes(topic_set(vectors, firms(20)), SETTINGS).themes[0]
    members = vectors[list(theme.rows)]
    center = members.mean(axis=0)
    assert theme.similarities == pytest.approx((members @ center / np.linalg.norm(center)).tolist(), abs=1e-5)


def test_every_firm_gives_one_exemplar_before_any_gives_a_second(blobs):
    who = [*["A"] * 4, *["B"] * 4, *["C"] * 4, *firms(12)]
    topics = topic_set(blobs([12, 12], spread=0.2), who)
    theme = find_themes(topics, ThemeSettings(n_exemplars=5, max_theme_ratio=1.0)).themes[0]
    assert {topics.firm_ids[row] for row in theme.exemplar_rows[:3]} == {"A", "B", "C"}
    assert len(set(theme.exemplar_rows)) == 5
    likeness = dict(zip(theme.rows, theme.similarities, strict=True))
    first_round = [likeness[row] for row in theme.exemplar_rows[:3]]
    assert first_round == sorted(first_round, reverse=True)
    assert first_round[0] == max(likeness.values())


# --- neighbours ----------------------------------------------------------------------------------------------------


def themes_at(*angles):
    """Themes whose centres lie in these directions of a plane, in degrees."""
    centers = [np.array([np.cos(np.radians(a)), np.sin(np.radians(a))], dtype=np.float32) for a in angles]
    return [Theme((row,), (1.0,), (row,), (), center, (), 2, 0.5) for row, center in enumerate(centers)]


def test_the_nearest_themes_come_first_and_none_is_its_own_neighbour():
    assert nearest_themes(themes_at(0, 90, 10, 100), 2) == ((2, 1), (3, 2), (0, 1), (1, 2))


def test_equally_near_themes_are_in_the_order_of_their_size():
    assert nearest_themes(themes_at(0, 30, -30, 0), 3)[0] == (3, 1, 2)


@pytest.mark.parametrize(("n_themes", "n"), [(0, 3), (1, 3), (2, 3), (3, 3), (4, 3), (9, 3), (4, 0)])
def test_there_are_never_more_neighbours_than_other_themes(n_themes, n):
    found = nearest_themes(themes_at(*range(0, 10 * n_themes, 10)), n)
    assert len(found) == n_themes
    for row, near in enumerate(found):
        assert len(near) == len(set(near)) == min(n, n_themes - 1)
        assert row not in near


# --- limits ---------------------------------------------------------------------------------------------------------


def test_more_neighbours_than_topics_are_cut(blobs):
    found = find_themes(topic_set(blobs([6, 6]), firms(12, 3)), ThemeSettings(n_neighbors=500, max_theme_ratio=1.0))
    assert_adds_up(found, 12)


def test_a_very_large_cluster_is_split(blobs):
    def largest(max_theme_ratio):
        topics = topic_set(blobs([40, 40, 100], spread=0.2), firms(180, 20))
        found = find_themes(topics, ThemeSettings(max_theme_ratio=max_theme_ratio, min_cluster_size=5))
        assert_adds_up(found, 180)
        return max(len(theme.rows) for theme in found.themes)

    assert largest(1.0) == 100
    assert largest(0.3) <= 54


# --- topics that the fits leave out ---------------------------------------------------------------------------------


def found_where(labels_of_seeds, vectors):
    """Themes of these topics of ten firms, where each seed gives one of these clusterings in turn."""

    def make_fits(data, fits):
        made = [np.array(labels_of_seeds[number % len(labels_of_seeds)]) for number in range(len(fits))]
        return [labels if fit.rows is None else labels[fit.rows] for fit, labels in zip(fits, made, strict=True)]

    settings = SETTINGS.model_copy(update={"n_fits": 4, "stability": "on"})
    return find_themes(topic_set(vectors, firms(len(vectors))), settings, make_fits=make_fits)


def test_a_theme_that_grows_by_near_topics_keeps_its_stability(blobs):
    """The second group has ten topics that no fit puts anywhere, each as near as one of its own: two in three join."""
    vectors = blobs([12, 22])
    vectors[12 + 12 :] = vectors[12:22]
    agreed = [0] * 12 + [1] * 12 + [-1] * 10
    not_agreed = [-1] * 4 + [0] * 8 + [1] * 12 + [-1] * 10
    found = found_where([agreed, agreed, agreed, not_agreed], vectors)
    second, first = found.themes
    assert first.rows == tuple(range(12)) and not first.near_rows
    assert second.rows[:12] == tuple(range(12, 24))
    assert len(second.rows) > 15 and second.near_rows == set(second.rows[12:])
    assert second.own_rows == tuple(range(12, 24)) and set(second.exemplar_rows) <= set(second.own_rows)
    assert second.stability.seeds == 1.0
    assert first.stability.seeds == pytest.approx((3 + 8 / 12) / 4)
    assert_adds_up(found, 34)


def test_topics_that_are_near_make_no_theme_of_one_firms_talk(blobs):
    """Twelve topics of one firm; the topics of ten others that lie among them do not make it a theme."""
    vectors = blobs([12, 22])
    vectors[12 + 12 :] = vectors[12:22]
    who = [*firms(12), *["A"] * 12, *firms(10)]
    labels = np.array([0] * 12 + [1] * 12 + [-1] * 10)
    settings = SETTINGS.model_copy(update={"n_fits": 1, "stability": "off"})
    found = find_themes(topic_set(vectors, who), settings, make_fits=lambda data, fits: [labels] * len(fits))
    assert [theme.rows for theme in found.themes] == [tuple(range(12))]
    assert found.n_in_invalid["too_few_firms"] > 15  # with those that joined
    assert_adds_up(found, 34)
