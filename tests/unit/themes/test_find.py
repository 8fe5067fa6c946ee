"""Themes over the topics of all firms: which clusters are themes, how they are worded, and that counts add up."""

import numpy as np
import pytest

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.find import MIN_TOPICS, Theme, TopicSet, find_themes, nearest_themes, scaled_settings

SETTINGS = ThemeSettings(max_theme_ratio=1.0)  # no cap: the groups below are a large share of few topics


def topic_set(vectors, firm_ids, keywords=None, n_sentences=None, boilerplate=None):
    n = len(vectors)
    seen = {}
    topic_ids = tuple(seen.setdefault(firm, []).append(0) or len(seen[firm]) - 1 for firm in firm_ids)
    return TopicSet(
        firm_ids=tuple(firm_ids),
        topic_ids=topic_ids,
        keywords=tuple(keywords or [("word",)] * n),
        n_sentences=np.array(n_sentences if n_sentences is not None else [1] * n, dtype=np.int64),
        embeddings=vectors,
        boilerplate=np.array(boilerplate if boilerplate is not None else [0.0] * n, dtype=np.float32),
    )


def firms(n, n_firms=10):
    return [f"F{i % n_firms}" for i in range(n)]


def assert_adds_up(found, n):
    in_themes = sum(len(theme.rows) for theme in found.themes)
    assert in_themes + found.n_outliers + sum(found.n_in_invalid.values()) == n
    rows = [row for theme in found.themes for row in theme.rows]
    assert len(rows) == len(set(rows))


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


# --- which clusters are themes -------------------------------------------------------------------------------------


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


def test_themes_of_filler_are_left_out_and_counted(blobs):
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


# --- what is said of a theme ---------------------------------------------------------------------------------------


def test_firms_are_ranked_by_what_they_said_on_the_theme(blobs):
    who = ["A", "B", "C", "A", "B", "C"] * 2
    said = [1, 5, 1, 1, 5, 2] * 2
    theme = find_themes(topic_set(blobs([6, 6]), who, n_sentences=said), SETTINGS).themes[0]
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


# --- keywords ------------------------------------------------------------------------------------------------------


def words_of_first_theme(blobs, keywords, settings=SETTINGS, who=None):
    topics = topic_set(blobs([12, 12]), who or firms(24, 6), keywords=[*keywords, *[("other", "else")] * 12])
    return find_themes(topics, settings).themes[0].keywords


def test_a_phrase_of_several_firms_stands_for_its_words(blobs):
    keywords = [
        ("supply chain", "ai") if i % 6 < 2 else ("supply", "chain", "ai data" if i % 6 == 2 else "ai")
        for i in range(12)
    ]
    words = words_of_first_theme(blobs, keywords)
    assert "supply chain" in words
    assert not {"supply", "chain"} & set(words)
    assert "ai" in words  # one firm of six says "ai data": that is no word of the theme


def test_a_word_of_one_firm_cannot_lead_a_theme(blobs):
    shared = ("freight", "port", "vessel", "carrier", "container")
    keywords = [("gizmo", *shared) if i % 6 == 0 else shared for i in range(12)]
    words = words_of_first_theme(blobs, keywords)
    assert "gizmo" not in words
    assert set(words) == set(shared)


def test_words_of_single_firms_fill_up_a_theme_that_shares_few(blobs):
    keywords = [("freight", f"own{i % 6}") for i in range(12)]
    words = words_of_first_theme(blobs, keywords)
    assert words[0] == "freight"
    assert len(words) == 3


def test_phrases_of_several_firms_have_their_words_in_common(blobs):
    keywords = [("free cash flow",) if i % 2 else ("cash flow",) for i in range(12)]
    words = words_of_first_theme(blobs, keywords)
    assert {"cash", "flow"} <= {word for keyword in words for word in keyword.split()}


def test_no_more_theme_keywords_than_asked_for(blobs):
    keywords = [tuple(f"word{i}" for i in range(10))] * 12
    assert len(words_of_first_theme(blobs, keywords, ThemeSettings(n_keywords=6, max_theme_ratio=1.0))) == 6


def test_words_that_all_themes_use_come_last(blobs):
    keywords = [("common", f"left{i}") for i in [1] * 12] + [("common", "right1")] * 12
    topics = topic_set(blobs([12, 12]), firms(24, 6), keywords=keywords)
    for theme, own in zip(find_themes(topics, SETTINGS).themes, ("left1", "right1"), strict=True):
        assert theme.keywords == (own, "common")


def test_topics_without_keywords_give_a_theme_without_keywords(blobs):
    keywords = [()] * 12 + [("word",)] * 12
    found = find_themes(topic_set(blobs([12, 12]), firms(24, 6), keywords=keywords), SETTINGS)
    assert [theme.keywords for theme in found.themes] == [(), ("word",)]


# --- settings that grow with the topics ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_topics", [MIN_TOPICS, 50, 250, 3_200, 75_000])
def test_scaled_settings_are_possible_for_so_many_topics(n_topics):
    scaled = scaled_settings(ThemeSettings(), n_topics)
    assert 2 <= scaled.n_neighbors < n_topics
    assert 2 <= scaled.n_components <= n_topics - 2
    assert 1 <= scaled.min_samples <= scaled.min_cluster_size <= n_topics // 3
    assert scaled.max_cluster_size > scaled.min_cluster_size


def test_more_topics_never_make_themes_smaller():
    sizes = [scaled_settings(ThemeSettings(), n).min_cluster_size for n in range(MIN_TOPICS, 80_000, 500)]
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 4 * sizes[0]


def test_what_the_user_sets_is_not_scaled():
    fixed = ThemeSettings(n_neighbors=9, min_cluster_size=7, min_samples=3)
    for n_topics in (100, 50_000):
        scaled = scaled_settings(fixed, n_topics)
        assert (scaled.n_neighbors, scaled.min_cluster_size, scaled.min_samples) == (9, 7, 3)


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
