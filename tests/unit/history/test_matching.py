"""What ties two themes, in small cases: shares of topics with a counterpart, and which of two claims is the better."""

import numpy as np
import pytest

from ftm_ray.history.edges import Edge, Standing, edge_rows, has_little_flow
from ftm_ray.history.flow import theme_flow
from ftm_ray.history.matching import Likeness, match_themes
from ftm_ray.history.theme_set import NO_THEME, ThemeSet, theme_centers

DIM = 60
GATE = 0.85


def themes_of(quarter, rows, n_themes):
    """A quarter of (firm, theme, direction): each topic one of the axes, or a mean of two."""
    axes = np.eye(DIM, dtype=np.float32)
    vectors = np.array([axes[np.atleast_1d(direction)].sum(axis=0) for *_, direction in rows])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    themes = np.array([theme for _, theme, _ in rows], dtype=np.int64)
    ids = tuple(f"{quarter}-{number:04d}" for number in range(1, n_themes + 1))
    firms = np.array([firm for firm, *_ in rows])
    sizes = np.full(len(rows), 5, dtype=np.int64)
    return ThemeSet(
        quarter, "r", ids, firms, themes, sizes, vectors, theme_centers(vectors, themes, n_themes), "e", "s"
    )


def test_flow_is_told_of_all_topics_and_of_those_with_a_counterpart():
    old = themes_of("2023Q1", [("A", 0, 0), ("B", 0, 0), ("C", 0, 0), ("D", NO_THEME, 0)], 1)
    # A and B go on, what C says has no counterpart, D's was in no theme, and E is new.
    new = themes_of("2023Q2", [("A", 0, 0), ("B", 0, 0), ("C", 0, 5), ("D", 0, 0), ("E", 0, 0)], 1)
    flow = theme_flow(old, new)
    assert (flow.into[0, 0], flow.n_into[0, 0]) == (2 / 4, 2)
    assert flow.linked_into[0, 0] == 2 / 3  # A and B of A, B and D
    assert (flow.out[0, 0], flow.linked_out[0, 0]) == (2 / 3, 1.0)


def test_a_theme_of_which_nothing_has_a_counterpart_is_tied_to_none():
    old, new = themes_of("2023Q1", [("A", 0, 0)], 1), themes_of("2023Q2", [("A", 0, 1)], 1)
    flow = theme_flow(old, new)
    assert flow.out[0, 0] == 0 and np.isnan(flow.linked_out[0, 0])
    likeness = Likeness(np.zeros((1, 1)), flow, GATE)
    assert not likeness.may_go_on().any() and not likeness.strong_into().any() and not likeness.may_come_back().any()


def split_theme(n_heirs, n_others, n_new):
    """The edges of a theme of twelve firms of which some speak of something near now, with others beside them."""
    firms = "ABCDEFGHIJKL"
    old = themes_of("2023Q1", [(firm, 0, (0, 1)) for firm in firms], 1)
    stay = [(firm, 0, (0, 1)) for firm in firms[n_heirs:]]
    heirs = [(firm, 1, (0, 1, 2)) for firm in firms[:n_heirs]]  # a cosine of 0.8 with what they said before
    # 0.4: too little for a counterpart, enough for the whole to be like what was said before.
    others = [(firm, 1, (n % 2, 10 + 2 * n, 11 + 2 * n)) for n, firm in enumerate(firms[n_heirs : n_heirs + n_others])]
    new = themes_of("2023Q2", stay + heirs + others + [(f"N{n}", 1, (0, 1, 2)) for n in range(n_new)], 2)
    rows = edge_rows(new, Standing(old, {0: "U1"}), [], GATE, 1)
    return [(row.theme_id, row.edge, row.parent_uid) for row in rows]


def test_a_part_that_leaves_is_a_split_though_much_around_it_has_no_counterpart():
    # 3 of 12 topics of firms that were there: a quarter of all, but all of those that have a counterpart.
    assert split_theme(3, 9, 0)[1] == ("2023Q2-0002", Edge.SPLIT, "U1")


def test_what_has_counterparts_by_chance_alone_is_a_birth():
    """Three firms' nearest talk was in the old theme, at a cosine of 0.58; what they say now is something else."""
    firms = "ABCDEFGHIJKL"
    old = themes_of("2023Q1", [(firm, 0, (0, 1)) for firm in firms], 1)
    stay = [(firm, 0, (0, 1)) for firm in firms[3:]]
    new = themes_of("2023Q2", stay + [(firm, 1, (0, 1, 5, 6, 7, 8)) for firm in firms[:3]], 2)
    likeness = Likeness((old.centers @ new.centers.T).astype(float), theme_flow(old, new), GATE)
    assert likeness.flow.linked_into[0, 1] == 1.0
    found = edge_rows(new, Standing(old, {0: "U1"}), [], GATE, 1)
    assert [row.edge for row in found] == [Edge.SURVIVE, Edge.EMERGE]
    gone = themes_of("2023Q2", stay + [(firm, 0, (0, 1, 5, 6, 7, 8)) for firm in firms[:3]], 1)
    before = themes_of("2023Q1", [(f, 0, (0, 1)) for f in firms[3:]] + [(f, 1, (5, 6, 7, 8)) for f in firms[:3]], 2)
    ended = edge_rows(gone, Standing(before, {0: "U1", 1: "U2"}), [], GATE, 1)
    assert [row.edge for row in ended] == [Edge.SURVIVE, Edge.DORMANT]


def test_firms_that_are_new_do_not_hide_a_split():
    assert split_theme(3, 0, 9)[1] == ("2023Q2-0002", Edge.SPLIT, "U1")


def test_one_topic_or_a_tenth_of_all_makes_no_split():
    """Both are like what was said before, so that it is their number which tells."""
    firms = [chr(ord("A") + n) for n in range(22)]
    old = themes_of("2023Q1", [(firm, 0, (0, 1)) for firm in firms], 1)

    def edges(n_heirs, n_others):
        stay = [(firm, 0, (0, 1)) for firm in firms[n_heirs:]]
        gone = [(firm, 1, (0, 1, 2)) for firm in firms[:n_heirs]]  # these have a counterpart, at 0.8
        others = firms[n_heirs : n_heirs + n_others]  # and these have none: 0.4
        like = [(firm, 1, (n % 2, 3 + 2 * n, 4 + 2 * n)) for n, firm in enumerate(others)]
        new = themes_of("2023Q2", stay + gone + like, 2)
        assert (old.centers @ new.centers.T)[0, 1] >= 0.78
        return [row.edge for row in edge_rows(new, Standing(old, {0: "U1"}), [], GATE, 1)]

    assert edges(2, 2) == [Edge.SURVIVE, Edge.SPLIT]
    assert edges(1, 2) == [Edge.SURVIVE, Edge.EMERGE]  # one topic of three
    assert edges(2, 20) == [Edge.SURVIVE, Edge.EMERGE]  # two topics of 22


def test_of_two_that_claim_a_theme_the_nearer_gets_it_though_chance_gave_the_other_more_flow():
    old = themes_of("2023Q1", [(firm, 0, 0) for firm in "ABCDEFGHIJ"], 1)
    new = themes_of("2023Q2", [(firm, 0, 0) for firm in "ABCD"] + [(firm, 1, (0, 1)) for firm in "EFGHIJ"], 2)
    flow = theme_flow(old, new)
    assert flow.out.tolist() == [[0.4, 0.6]]
    likeness = Likeness((old.centers @ new.centers.T).astype(float), flow, GATE)
    assert likeness.may_go_on().tolist() == [[True, True]]
    assert match_themes(likeness, likeness.may_go_on()) == [(0, 0)]


@pytest.mark.parametrize(
    ("edge", "flow_out", "flow_in", "expected"),
    [
        ("survive", 0.36, 0.9, False),
        ("survive", 0.9, 0.35, True),
        ("revived", 0.1, 0.9, True),
        ("survive", None, 0.9, True),  # no firm of the theme is in both quarters
        ("split", 0.1, 0.1, False),  # says itself that it is another theme
        ("emerge", 0.0, 0.0, False),
    ],
)
def test_a_theme_has_little_flow_where_one_of_both_flows_is_small(edge, flow_out, flow_in, expected):
    assert has_little_flow(edge, flow_out, flow_in) is expected
