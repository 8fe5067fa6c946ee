"""Attention and surprise in figures that can be worked out by hand: ten firms, three themes, two quarters."""

import numpy as np
import pytest

from ftm_ray.history.attention import theme_attention
from ftm_ray.history.theme_set import ThemeSet, theme_centers

DIM = 16
NO_PAST = [[], [], []]


def quarter_of(name, speaking, n_sentences=5):
    """A quarter in which firms (letters) speak of theme 0, 1, 2: each a topic that is exactly the theme's direction."""
    directions = np.eye(DIM, dtype=np.float32)
    rows = [(firm, theme) for theme, firms in enumerate(speaking) for firm in firms]
    themes = np.array([theme for _, theme in rows], dtype=np.int64)
    vectors = directions[themes]
    return ThemeSet(
        quarter=name,
        run_id="r",
        theme_ids=tuple(f"{name}-{n:04d}" for n in range(1, len(speaking) + 1)),
        firm_ids=np.array([firm for firm, _ in rows]),
        themes=themes,
        n_sentences=np.full(len(rows), n_sentences, dtype=np.int64),
        vectors=vectors,
        centers=theme_centers(vectors, themes, len(speaking)),
        encoder="e",
        settings_digest="s",
    )


BEFORE = quarter_of("2023Q1", ("ABCDEFGHIJ", "ABCDE", "AB"))
NOW = quarter_of("2023Q2", ("ABCDEFGHIJ", "ABCDE", "ABCDEFGH"))


def test_shares_are_of_all_firms_topics_and_sentences():
    found = theme_attention(NOW, None, NO_PAST)
    assert [one.firm_share for one in found] == [1.0, 0.5, 0.8]
    assert [one.topic_share for one in found] == pytest.approx([10 / 23, 5 / 23, 8 / 23])
    assert [one.sentence_share for one in found] == pytest.approx([10 / 23, 5 / 23, 8 / 23])
    assert {one.change for one in found} == {one.surprise for one in found} == {None}


def test_the_theme_that_more_firms_speak_of_is_the_surprise():
    found = theme_attention(NOW, BEFORE, NO_PAST)
    assert [one.change for one in found] == pytest.approx([0.0, 0.0, 0.6])
    assert [one.firm_share_before for one in found] == pytest.approx([1.0, 0.5, 0.2])
    # Changes 0, 0, 0.6: mean 0.2, standard deviation 0.6 * sqrt(2) / 3.
    assert [one.z_themes for one in found] == pytest.approx([-np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(2)])
    assert [one.surprise for one in found] == [one.z_themes for one in found]


def test_a_theme_that_always_moves_so_much_is_less_of_a_surprise_than_one_that_never_did():
    restless = [[], [], [0.6, -0.6, 0.6, -0.6]]
    calm = [[], [], [0.01, -0.01, 0.01, -0.01]]
    z = {name: theme_attention(NOW, BEFORE, past)[2] for name, past in (("restless", restless), ("calm", calm))}
    spread = np.std([1, -1, 1, -1], ddof=1)
    assert z["restless"].z_past == pytest.approx(1 / spread)
    assert z["calm"].z_past == pytest.approx(60 / spread)
    assert z["calm"].surprise == pytest.approx((60 / spread + np.sqrt(2)) / 2)
    assert z["restless"].surprise < z["calm"].surprise


def test_three_changes_are_no_past():
    assert theme_attention(NOW, BEFORE, [[], [], [0.1, 0.2, 0.3]])[2].z_past is None


def test_firms_that_enter_or_leave_change_nothing():
    with_others = quarter_of("2023Q2", ("ABCDEFGHIJ", "ABCDE", "ABCDEFGHXYZ"))
    plain, other = theme_attention(NOW, BEFORE, NO_PAST)[2], theme_attention(with_others, BEFORE, NO_PAST)[2]
    assert (other.n_firms_both, other.change) == (10, plain.change)
    assert other.firm_share == pytest.approx(11 / 13)


def test_what_was_said_before_counts_for_the_theme_of_today_whatever_theme_it_was_in():
    # A quarter ago all that is now two themes was one: nothing more is said today, so nothing changes.
    one_theme = quarter_of("2023Q1", ("ABCDEFGHIJ", "ABCDE", "ABCDEFGH"))
    merged = ThemeSet(
        **{name: getattr(one_theme, name) for name in one_theme.__slots__ if name != "themes"},
        themes=np.where(one_theme.themes == 2, 1, one_theme.themes),
    )
    assert [one.change for one in theme_attention(NOW, merged, NO_PAST)] == [0.0, 0.0, 0.0]


def test_where_all_change_alike_nothing_is_surprising():
    found = theme_attention(NOW, NOW, NO_PAST)
    assert {one.z_themes for one in found} == {one.surprise for one in found} == {None}
