"""Keywords: counted in whole words, standing phrases before their words, never the same word twice."""

import numpy as np
import pytest

from ftm_ray.text.keywords import choose_keywords, count_terms, without_shared_words

TEXTS = [
    "supply chain delay port",
    "supply chain cost",
    "supply chain port delay",
    "loan growth",
    "loan deposit growth",
    "",
]


def choose(candidates, members=(0, 1, 2), texts=TEXTS, options=(10, 0.0), vectors=None):
    counts = count_terms(texts, [term for term, _ in candidates])
    if vectors is None:
        vectors = np.eye(len(texts), dtype=np.float32)
    return choose_keywords(candidates, counts, np.array(members), vectors, options)


def test_words_and_neighbouring_pairs_are_counted_in_their_sentences():
    counts = count_terms(TEXTS, ["port", "supply chain", "chain supply", "supply"])
    found = {term: np.flatnonzero(counts.occurs[:, column]).tolist() for term, column in counts.terms.items()}
    assert found == {"port": [0, 2], "supply chain": [0, 1, 2], "chain supply": [], "supply": [0, 1, 2]}


def test_a_word_inside_another_word_does_not_count():
    assert not count_terms(["ports supplychain"], ["port", "supply"]).occurs.any()


def test_a_candidate_named_twice_has_one_column():
    counts = count_terms(["port delay"], ["port", "delay", "port"])
    assert counts.occurs.shape == (1, 2)
    assert counts.occurs.all()


def test_no_sentences_and_no_candidates_are_counted_too():
    assert count_terms([], ["port"]).occurs.shape == (0, 1)
    assert count_terms(["port"], []).occurs.shape == (1, 0)


def test_the_heaviest_terms_come_first():
    assert choose([("port", 0.5), ("delay", 0.9), ("supply", 0.7)]) == ["delay", "supply", "port"]


def test_equal_weights_are_ordered_by_alphabet():
    assert choose([("port", 0.5), ("delay", 0.5), ("chain", 0.5)]) == ["chain", "delay", "port"]


def test_a_standing_phrase_takes_the_place_of_its_words():
    candidates = [("supply", 0.9), ("chain", 0.8), ("supply chain", 0.3), ("delay", 0.5)]
    assert choose(candidates) == ["supply chain", "delay"]


def test_two_words_that_merely_met_are_no_phrase():
    texts = ["store think", "store a", "think b", "store c", "think d"]
    candidates = [("store think", 0.9), ("store", 0.5), ("think", 0.4)]
    assert choose(candidates, members=range(5), texts=texts) == ["store", "think"]


def test_two_words_said_twice_and_never_apart_are_a_phrase():
    texts = ["red sea port", "red sea delay", "port delay"]
    candidates = [("red", 0.9), ("sea", 0.8), ("port", 0.5), ("delay", 0.4), ("red sea", 0.3)]
    assert choose(candidates, members=range(3), texts=texts)[0] == "red sea"
    apart = [*texts, "sea delay"]
    assert "red sea" not in choose(candidates, members=range(4), texts=apart)


def test_a_word_said_twice_running_is_no_phrase():
    assert choose([("store store", 0.9), ("store", 0.5)], texts=["store store"] * 3) == ["store"]


def test_words_of_a_single_sentence_are_left_out_while_there_are_others():
    candidates = [("cost", 0.99), ("port", 0.5), ("delay", 0.4), ("supply", 0.3)]
    assert "cost" not in choose(candidates)


def test_a_topic_of_varied_words_takes_words_said_once_but_no_phrases_said_once():
    texts = ["alpha beta", "gamma delta", "epsilon zeta"]
    candidates = [("alpha beta", 0.9), ("alpha", 0.8), ("gamma", 0.7), ("zeta", 0.6)]
    assert choose(candidates, texts=texts) == ["alpha", "gamma", "zeta"]


def test_words_that_the_topic_never_says_are_no_keywords():
    assert choose([("loan", 0.9), ("growth", 0.8), ("emptydoc", 0.7)]) == []


def test_a_topic_without_candidates_has_no_keywords():
    assert choose([]) == []


def test_no_more_keywords_than_asked_for():
    assert choose([("port", 0.5), ("delay", 0.9), ("supply", 0.7)], options=(2, 0.0)) == ["delay", "supply"]


def test_words_that_always_come_together_make_room_for_others():
    texts = ["port delay"] * 4 + ["wage rise"] * 4
    vectors = np.repeat(np.eye(2, dtype=np.float32), 4, axis=0)
    candidates = [("port", 0.9), ("delay", 0.8), ("wage", 0.6)]
    with_all = {"members": range(8), "texts": texts, "vectors": vectors}
    assert choose(candidates, options=(2, 0.0), **with_all) == ["port", "delay"]
    assert choose(candidates, options=(2, 0.5), **with_all) == ["port", "wage"]


@pytest.mark.parametrize(
    ("terms", "kept"),
    [
        (["store", "store sale", "sale"], ["store", "sale"]),
        (["cash flow", "free cash", "flow", "free"], ["cash flow", "free"]),
        (["gpu", "gpus", "rack"], ["gpu", "rack"]),
        (["ads", "ad campaign"], ["ads"]),
        (["port", "airport"], ["port", "airport"]),
        ([], []),
    ],
)
def test_no_two_terms_share_a_word(terms, kept):
    assert without_shared_words(terms) == kept
