"""Keywords are shown as the topic's sentences write them most often, and counted as the lemmas that they were."""

from collections import Counter

import pytest

from ftm_ray.text.keyword_forms import SpokenWords, keyword_term, most_written
from ftm_ray.text.lemmas import clean_for_keywords

TEXTS = [
    "Fixed wireless grew in the United States, where the Fed raised rates.",
    "Fixed wireless is AI-powered now, and our customers' homes love it.",
    "What the Fed does matters to fixed wireless in the U.S. market.",
    "AI-powered routers feed the home. Tariffs rose.",
    "The cost of capital rose, and the cost of capital will rise again with Matt in the United States.",
    "Tariffs hit spas.",
]


def written(term, texts=TEXTS, names=frozenset()):
    cleaned = [clean_for_keywords(text, names) for text in texts]
    return SpokenWords(texts, cleaned).written([term], range(len(texts)))[0]


@pytest.mark.parametrize(
    "form",
    ["fixed wireless", "United States", "AI-powered", "Fed", "U.S.", "cost of capital", "tariffs", "spas"],
)
def test_a_keyword_is_shown_as_people_write_it(form):
    assert written(clean_for_keywords(form, frozenset())) == form


def test_it_is_counted_as_it_was_before():
    for term in ("fixe wireless", "unite state", "ai-power", "cost capital", "u.s."):
        assert keyword_term(written(term)) == term


def test_the_commonest_form_wins_and_capitals_of_a_sentence_do_not_count():
    texts = ["Prices rose.", "Prices fell.", "A price is a price.", "We like prices."]
    assert written("price", texts) == "prices"
    assert written("price", ["Prices rose.", "A price too far."]) == "price"  # the shorter of two as common ones


def test_only_the_sentences_of_the_topic_decide_the_form():
    texts = ["A tariff is a tariff.", "We pay tariffs and more tariffs."]
    words = SpokenWords(texts, [clean_for_keywords(text, frozenset()) for text in texts])
    assert words.written(["tariff"], [0]) == ("tariff",)
    assert words.written(["tariff"], [1]) == ("tariffs",)


def test_two_words_that_names_or_commas_stand_between_are_written_side_by_side():
    names = frozenset({"matt"})
    assert written("gross margin", ["Gross, as said, margin rose."]) == "gross margin"
    assert written("rate cuts", ["One rate Matt cuts."], names) == "rate cuts"


def test_a_term_that_the_sentences_do_not_hold_stays_as_it_is():
    assert written("fixe wireless", ["Nothing of the kind."]) == "fixe wireless"


def test_no_form_is_none():
    assert most_written(Counter()) is None
