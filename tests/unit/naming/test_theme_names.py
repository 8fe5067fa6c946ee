"""Themes get names that no two of them share."""

import asyncio
import json
from dataclasses import replace

import pytest
from llm_server import LlmServer, error, named
from name_asking import (
    OWN_NAMES,
    PROSE,
    assert_adds_up,
    namer_for,
    store,
)

from ftm_ray.naming.distinct_labels import numbered
from ftm_ray.naming.guards import OwnNames
from ftm_ray.naming.theme_names import ThemeToName, name_themes
from ftm_ray.text.keyword_names import Name, keyword_name

pytestmark = pytest.mark.usefixtures("short_waits")


def themes(n, **other):
    """Themes of one keyword each; the next two are their neighbours."""
    return [
        ThemeToName(
            **{
                "keywords": (f"word{i}",),
                "summaries": (f"Firms speak of word{i}.",),
                "neighbours": tuple((i + step) % n for step in (1, 2) if n > step),
                "own_names": OWN_NAMES,
                "fallback": keyword_name([f"word{i}"], ["A sentence."]),
            }
            | other
        )
        for i in range(n)
    ]


def name_all(to_name, answer, lake=None, **settings):
    """Named themes and the server. `answer` gets the theme's keyword and what stands under neighbouring themes."""

    def reply(_, body):
        head, *lines = body["messages"][1]["content"].partition("\nSummaries:")[0].splitlines()
        near = [json.loads(line[2:]) for line in lines if line.startswith('- "')]
        return answer(head.removeprefix("Keywords: "), near)

    async def go(url):
        return await name_themes(namer_for(url, store(lake) if lake else None, **settings), to_name)

    with LlmServer(reply) as server:
        found = asyncio.run(go(server.url))
        assert_adds_up(found.account, server)
    assert len(found.names) == len(to_name)
    return found, server


def described(label):
    return named(label, "Firms speak of it, and say what comes of it.", "description")


def labels(found):
    return [name.label for name in found.names]


def test_themes_are_named_in_their_order_and_described():
    found, server = name_all(themes(20), lambda word, _: described(f"On {word}"), max_concurrency=5)
    assert labels(found) == [f"On word{i}" for i in range(20)]
    assert {(name.representation, name.summary_source, name.llm_model) for name in found.names} == {
        ("Firms speak of it, and say what comes of it.", "llm", "tiny")
    }
    assert (found.n_numbered, len(server.requests), found.account.n_questions) == (0, 20, 20)
    assert found.prompt in server.shown


def test_a_theme_is_shown_its_neighbours_keywords_and_its_summaries():
    _, server = name_all(themes(4), lambda word, _: described(word))
    assert (
        'Keywords: word3\nNeighbouring themes:\n- "word0"\n- "word1"\nSummaries:\n- "Firms speak of word3."'
    ) in server.shown


def test_a_theme_alone_has_no_neighbours():
    _, server = name_all(themes(1), lambda word, _: described(word))
    assert "Neighbouring themes: none\n" in server.shown[0]


def test_no_themes_are_no_questions():
    found, server = name_all([], lambda word, _: described(word))
    assert (found.names, found.n_numbered, found.prompt) == ([], 0, None)
    assert server.requests == []


@pytest.mark.parametrize("same", ["Costs", "costs", "COSTS"])
def test_the_larger_theme_keeps_its_label_and_the_other_is_asked_again_with_the_labels_that_are_taken(same):
    def answer(word, near):
        if word == "word2" and "Costs" not in near and same not in near:
            return described(same)
        return described({"word0": "Costs", "word2": "Wages"}.get(word, word))

    found, server = name_all(themes(4), answer)
    assert labels(found) == ["Costs", "word1", "Wages", "word3"]
    assert found.n_numbered == 0
    assert (len(server.requests), found.account.n_questions, found.account.n_again) == (5, 4, 1)
    again = server.shown[-1]
    assert again.startswith("Keywords: word2")
    taken = dict.fromkeys([same, "word3", "Costs"])  # its own first answer, then its neighbours'
    assert again.partition("\nSummaries:")[0].splitlines()[2:] == [f'- "{label}"' for label in taken]


def test_labels_that_stay_the_same_are_numbered_and_counted():
    found, server = name_all(themes(4), lambda word, _: described("Costs" if word != "word1" else "costs"))
    assert labels(found) == ["Costs", "costs (2)", "Costs (3)", "Costs (4)"]
    assert found.n_numbered == 3
    assert len(server.requests) == 4 + 3
    assert found.account.outcomes == {"named": 4}  # one for each theme; that three were asked again is counted, too
    assert found.account.n_again == 3


@pytest.mark.parametrize("second", [PROSE, error(500)], ids=["prose", "500"])
def test_a_theme_without_a_second_answer_keeps_the_first_and_a_number(second):
    def answer(_, near):
        return second if "Costs" in near else described("Costs")

    found, _ = name_all(themes(2), answer)
    assert labels(found) == ["Costs", "Costs (2)"]
    assert {name.summary_source for name in found.names} == {"llm"}


def test_a_number_never_makes_a_label_that_another_theme_has():
    names = [
        replace(keyword_name(["costs"], []), label=label) for label in ("Costs", "Costs", "Costs (2)", "Costs (2)")
    ]
    distinct, n_numbered = numbered(names)
    assert len({name.label.casefold() for name in distinct}) == 4
    assert [name.label for name in distinct[:2]] == ["Costs", "Costs (2)"]
    assert n_numbered == 3


def test_fallbacks_are_told_apart_too():
    same = keyword_name(["freight"], ["A sentence."])
    found, _ = name_all(themes(3, fallback=same), lambda *_: PROSE)
    assert labels(found) == ["freight", "freight (2)", "freight (3)"]
    assert found.n_numbered == 2
    assert {name.summary_source for name in found.names} == {"keywords"}
    assert found.account.outcomes == {"not_json": 3}


def test_a_fallback_is_told_apart_from_an_answer():
    same = keyword_name(["freight"], ["A sentence."])
    found, _ = name_all(themes(2, fallback=same), lambda word, _: described("Freight") if word == "word1" else PROSE)
    assert labels(found) == ["freight", "Freight (2)"]
    assert [name.summary_source for name in found.names] == ["keywords", "llm"]


def test_one_theme_without_an_answer_costs_one_name():
    found, _ = name_all(themes(4), lambda word, _: error(422) if word == "word2" else described(word))
    assert [name.summary_source for name in found.names] == ["llm", "llm", "keywords", "llm"]
    assert found.names[2] == keyword_name(["word2"], ["A sentence."])
    assert found.account.outcomes == {"named": 3, "rejected": 1}


def test_a_description_that_names_a_firm_is_flagged():
    found, _ = name_all(
        themes(1), lambda *_: named("Costs", "Acme and other firms speak of paying more.", "description")
    )
    assert [name.names_firm for name in found.names] == [True]


def test_a_theme_that_begins_with_an_ordinary_word_is_not_flagged_though_a_firm_is_called_so():
    own = OwnNames(frozenset({"target", "price"}), frozenset({"target", "price"}))
    found, server = name_all(
        themes(1, own_names=own),
        lambda *_: named("Price Targets", "Price cuts are what firms speak of.", "description"),
    )
    assert [name.names_firm for name in found.names] == [False]
    assert len(server.requests) == 1


def test_themes_that_are_named_again_ask_nothing_second_questions_included(lake):
    first, before = name_all(themes(4), lambda *_: described("Costs"), lake)
    second, server = name_all(themes(4), lambda *_: error(500), lake)
    assert second.names == first.names
    assert (second.n_numbered, first.n_numbered) == (3, 3)
    assert server.requests == []
    assert second.account.n_remembered == second.account.n_questions == 4
    assert len(before.requests) == 7


def test_a_numbered_name_keeps_everything_but_its_label():
    found, _ = name_all(themes(2), lambda *_: described("Costs"))
    one, other = found.names
    assert isinstance(other, Name)
    assert other.as_columns() == one.as_columns() | {"label": "Costs (2)"}
