"""Quality numbers against values worked out by hand."""

import math

import pytest

from ftm_ray.topics.quality import npmi_coherence, topic_diversity


def npmi(share_a, share_b, share_both):
    return math.log(share_both / (share_a * share_b)) / -math.log(share_both)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a b", "a b", "c", "c"], 1.0),  # always together
        (["a", "b", "a", "b"], -1.0),  # never together
        (["a b", "a", "b", "c"], 0.0),  # by chance
        (["a b", "a b"], 1.0),  # in every sentence
        (["a b", "a b", "a", "c"], npmi(0.75, 0.5, 0.5)),
    ],
)
def test_coherence_of_one_pair(texts, expected):
    assert npmi_coherence([["a", "b"]], texts) == pytest.approx(expected)


def test_a_word_said_twice_in_a_sentence_counts_once():
    assert npmi_coherence([["a", "b"]], ["a a b", "a b b", "c", "c"]) == pytest.approx(1.0)


def test_every_topic_weighs_the_same_however_many_keywords_it_has():
    texts = ["a b c", "a b c", "d", "e"]
    assert npmi_coherence([["a", "b", "c"], ["d", "e"]], texts) == pytest.approx((1.0 - 1.0) / 2)


def test_phrases_are_looked_up_as_phrases():
    texts = ["supply chain delay", "supply chain delay", "chain supply", "delay chain"]
    assert npmi_coherence([["supply chain", "delay"]], texts) == pytest.approx(npmi(0.5, 0.75, 0.5))


def test_a_keyword_named_twice_makes_no_pair_with_itself():
    assert npmi_coherence([["a", "a"]], ["a", "b"]) is None


@pytest.mark.parametrize("keywords", [[], [[]], [["a"]], [["a"], []]])
def test_without_a_pair_there_is_no_number(keywords):
    assert npmi_coherence(keywords, ["a", "b"]) is None


def test_topics_without_a_pair_do_not_pull_the_mean():
    assert npmi_coherence([["a", "b"], ["c"]], ["a b", "a b", "c", "c"]) == pytest.approx(1.0)


def test_coherence_is_never_nan_for_words_that_are_nowhere():
    assert npmi_coherence([["x", "y"]], ["a", "b"]) == -1.0


def test_diversity_is_the_share_of_different_keywords():
    assert topic_diversity([["a", "b"], ["a", "c"]]) == 0.75
    assert topic_diversity([["a"], ["b"]]) == 1.0
    assert topic_diversity([]) is None
    assert topic_diversity([[], []]) is None
