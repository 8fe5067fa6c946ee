"""Names that hold: rules that can be read off small cases, and a planted history through which names are followed."""

import numpy as np
import pytest
from planted_history import Planter, gate_of

from ftm_ray.history.names import Called, Doubt, GivenName, Naming, by_the_quarter, name_over_quarters
from ftm_ray.history.next_quarter import NamedTheme, Past, next_rows, with_names

GATE = 0.8
OIL = GivenName("Oil prices", "2023Q1", "2023Q1-0001")
COST = GivenName("Labor costs", "2023Q2", "2023Q2-0002")


def named(*themes, judge=by_the_quarter, taken=None, gate=GATE):
    known = [theme.given.label for theme in themes if theme.given] if taken is None else taken
    names = name_over_quarters("2023Q3", themes, gate, judge, known)
    return [(name.theme_label, name.naming, name.label_quarter) for name in names]


def nobody(doubts):
    assert not doubts
    return []


def test_a_name_holds_within_the_gate_and_nobody_is_asked():
    found = named(Called("Crude and gas", OIL, 0.8), Called("Wages", COST, 0.99), judge=nobody)
    assert found == [("Oil prices", Naming.HELD, "2023Q1"), ("Labor costs", Naming.HELD, "2023Q2")]


def test_beyond_the_gate_the_old_name_and_the_new_are_judged():
    seen = []

    def judge(doubts):
        seen.extend(doubts)
        return [doubt.old_label == "Labor costs" for doubt in doubts]

    themes = (Called("Refining", OIL, 0.79), Called("New", None, None), Called("Wages", COST, 0.5))
    found = named(*themes, judge=judge)
    assert seen == [Doubt(0, "Oil prices", "Refining"), Doubt(2, "Labor costs", "Wages")]
    assert found == [
        ("Refining", Naming.RENAMED, "2023Q3"),
        ("New", Naming.NAMED, "2023Q3"),
        ("Labor costs", Naming.KEPT, "2023Q3"),
    ]


def test_without_an_llm_a_theme_beyond_the_gate_is_called_what_its_quarter_calls_it():
    assert named(Called("Refining", OIL, 0.79)) == [("Refining", Naming.RENAMED, "2023Q3")]


@pytest.mark.parametrize(
    ("keywords", "naming"),
    [
        (("gas", "barrels", "price"), Naming.HELD),  # a word of "Oil prices", in another form
        (("refinery", "crude", "spread"), Naming.RENAMED),
        (("up", "and", "the"), Naming.RENAMED),
        ((), Naming.HELD),  # an LLM gave the name: its words need not be keywords
    ],
)
def test_a_name_holds_while_one_of_its_words_is_still_a_keyword(keywords, naming):
    assert [found for _, found, _ in named(Called("Refining", OIL, 0.99, keywords))] == [naming]


def test_a_keyword_that_is_no_word_counts_too():
    given = GivenName("M&A, bias, strategy (2)", "2023Q1", "2023Q1-0001")
    assert [found for _, found, _ in named(Called("m&a, deal", given, 0.9, ("m&a", "deal")))] == [Naming.HELD]


def test_nobody_is_asked_about_a_name_without_a_word_among_the_keywords():
    theme = Called("Refining", OIL, 0.2, ("refinery", "crude"))
    assert named(theme, judge=nobody) == [("Refining", Naming.RENAMED, "2023Q3")]


def test_a_name_is_made_of_keywords_where_its_quarter_called_the_theme_so():
    at = NamedTheme(np.ones(1, dtype=np.float32), "Oil, gas, barrels")
    assert at.gave("Oil, gas, barrels") and at.gave("oil, gas, barrels (2)")
    assert not at.gave("Energy prices")  # an LLM's, which was found to fit in that quarter
    assert not NamedTheme(np.ones(1, dtype=np.float32)).gave("Oil, gas, barrels")


def test_a_quarter_that_says_the_same_name_again_settles_the_doubt():
    assert named(Called("oil PRICES", OIL, 0.3), judge=nobody) == [("Oil prices", Naming.KEPT, "2023Q3")]


def test_without_a_gate_nothing_is_near():
    assert named(Called("Refining", OIL, 1.0), gate=None) == [("Refining", Naming.RENAMED, "2023Q3")]


def test_a_new_theme_never_takes_a_name_that_another_has_even_a_silent_one():
    themes = (Called("Oil prices"), Called("Crude", OIL, 0.9), Called("Freight"), Called("Freight"))
    found = named(*themes, taken=["Oil prices", "freight"])
    assert [label for label, *_ in found] == ["Oil prices (2)", "Oil prices", "Freight (2)", "Freight (3)"]


def test_a_name_that_was_given_up_is_free():
    themes = (Called("Oil prices"), Called("Refining", OIL, 0.2))
    assert [label for label, *_ in named(*themes)] == ["Oil prices", "Refining"]


# --- through a history ------------------------------------------------------------------------------------------------


def history_of_names(judge=by_the_quarter, seed=14):
    """Lineage with names: each quarter calls its themes after the planted ones, with its own name behind."""
    history = Planter(seed, n_themes=60, n_firms=200).history()
    quarters = {}
    lineage, asked = [], []
    for plain, names in zip(history.quarters, history.names, strict=True):
        themes = type(plain)(
            **{field: getattr(plain, field) for field in plain.__slots__ if field != "labels"},
            labels=tuple(f"planted {name} of {plain.quarter}" for name in names),
        )
        quarters[themes.quarter] = themes
        gate = gate_of(themes).cosine if lineage else None
        past = Past(lineage, [])

        def center(quarter, theme_id, quarters=quarters):
            return NamedTheme(quarters[quarter].centers[quarters[quarter].theme_ids.index(theme_id)])

        def asks(doubts, quarter=themes.quarter):
            asked.extend((quarter, doubt) for doubt in doubts)
            return judge(doubts)

        rows = with_names(next_rows(themes, past, quarters.__getitem__, gate, 1), themes, past, center, asks)
        lineage += [row | {"quarter": themes.quarter} for row in rows.lineage]
    return history, quarters, lineage, asked


@pytest.fixture(scope="module")
def renamed():
    return history_of_names()


def spoken(lineage):
    """The rows of each uid in which it is spoken of, in order."""
    lives = {}
    for row in lineage:
        if row["theme_id"]:
            lives.setdefault(row["theme_uid"], []).append(row)
    return lives


def test_a_theme_keeps_its_name_exactly_while_it_is_near_to_what_it_was_named_for(renamed):
    _, quarters, lineage, _ = renamed
    n_held = n_renamed = 0
    for life in spoken(lineage).values():
        assert life[0]["naming"] == Naming.NAMED and life[0]["theme_label"] == life[0]["quarter_label"]
        since = life[0]
        for before, row in zip(life, life[1:], strict=False):
            old, new = quarters[since["quarter"]], quarters[row["quarter"]]
            cosine = (
                old.centers[old.theme_ids.index(since["theme_id"])] @ new.centers[new.theme_ids.index(row["theme_id"])]
            )
            assert row["label_cosine"] == pytest.approx(cosine, abs=1e-6)
            is_near = row["label_cosine"] >= row["gate"]
            assert row["naming"] == (Naming.HELD if is_near else Naming.RENAMED)
            assert (row["theme_label"] == before["theme_label"]) == is_near
            since = since if is_near else row
            n_held, n_renamed = n_held + is_near, n_renamed + (not is_near)
    assert n_held > 100 and n_renamed > 0


def test_no_two_themes_of_a_quarter_have_one_name(renamed):
    _, _, lineage, _ = renamed
    labels = [(row["quarter"], row["theme_label"]) for row in lineage if row["theme_id"]]
    assert len(labels) == len(set(labels))


def test_a_theme_that_comes_back_has_its_old_name_or_one_that_was_looked_at(renamed):
    _, _, lineage, _ = renamed
    names = {}
    revived = []
    for row in lineage:
        if row["edge"] == "revived":
            revived.append((names[row["theme_uid"]], row))
        if row["theme_id"]:
            names[row["theme_uid"]] = row["theme_label"]
    assert revived
    assert all(
        (row["theme_label"] == old) == (row["naming"] in (Naming.HELD, Naming.KEPT)) and row["label_cosine"] is not None
        for old, row in revived
    )


def test_whoever_always_says_keep_gives_one_name_for_life_and_is_asked_about_no_centre_twice():
    _, _, lineage, asked = history_of_names(lambda doubts: [True] * len(doubts))
    assert asked
    for life in spoken(lineage).values():
        assert len({row["theme_label"] for row in life}) == 1
    kept = [row for row in lineage if row.get("naming") == Naming.KEPT]
    assert len(kept) == len(asked) and all(row["label_quarter"] == row["quarter"] for row in kept)


def test_what_ends_has_no_name_of_the_quarter(renamed):
    _, _, lineage, _ = renamed
    ended = [row for row in lineage if row["theme_id"] is None]
    assert ended and all("theme_label" not in row for row in ended)


def test_a_registry_that_knew_no_names_gives_each_theme_one_when_it_is_next_seen():
    rows = [{"theme_uid": "U1", "theme_id": "2023Q1-0001", "edge": "first_quarter", "quarter": "2023Q1"}]
    past = Past([*rows, {**rows[0], "theme_label": None, "label_quarter": None}], [])
    assert past.name("U1") is None and past.labels("2023Q2") == []
