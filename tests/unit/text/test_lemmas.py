"""Of a sentence, what may become a keyword."""

import pytest

from ftm_ray.text.lemmas import clean_for_keywords


def test_keywords_are_lemmas_without_stop_words_numbers_fillers_and_names():
    names = frozenset({"matt", "apple"})
    sentence = "Yeah, um, Matt, I think Apple's stores were sort of busy in Q3, with 25 million customers, you know."
    assert clean_for_keywords(sentence, names) == "store busy customer"


def test_a_year_is_no_keyword_because_something_belongs_to_it():
    assert clean_for_keywords("2024's growth and the 1990's rates", frozenset()) == "growth rate"


def test_keywords_keep_terms_of_the_trade():
    sentence = "In the U.S., 5G, AI, EVs, SaaS and COVID-19 moved our P&L and R&D data."
    words = clean_for_keywords(sentence, frozenset()).split()
    assert {"u.s.", "5g", "ai", "evs", "saas", "covid-19", "p&l", "r&d", "data"} <= set(words)


def test_trades_in_ing_are_not_cut_to_verbs():
    assert clean_for_keywords("Pricing, lending and marketing", frozenset()) == "pricing lending marketing"


@pytest.mark.parametrize("sentence", ["", "Thank you very much.", "So, you know, it's about 3.5% to 4%.", "<UNK>."])
def test_boilerplate_has_no_keywords(sentence):
    assert clean_for_keywords(sentence, frozenset()) == ""
