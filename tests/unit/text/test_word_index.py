"""Words of a question in texts: which count, how often they stand there, and what BM25 makes of it."""

import bm25s
import numpy as np
import pyarrow as pa
import pytest
from invented import SENTENCES

from ftm_ray.text.word_index import WordIndex, bm25, question_words


def counts_of(texts, question):
    return WordIndex(pa.array(texts, pa.string())).count(question_words(question)).counts.tolist()


def test_words_are_counted_whatever_stands_around_them():
    texts = [
        "Tariffs, tariffs; (TARIFFS)!",
        "tariff-free",
        "starifffs untariffed",
        "",
        "tariff’s—tariff's “tariffs”\u00a0",
    ]
    assert counts_of(texts, "tariff") == [[3, 1, 0, 0, 3]]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("supplier", "suppliers"),
        ("suppliers", "supplier"),
        ("battery", "batteries"),
        ("batteries", "battery"),
        ("process", "processes"),
        ("taxes", "tax"),
        ("business", "business"),
        ("gas", "gas"),
        ("Düsseldorf", "DÜSSELDORF"),
        ("5G", "5g"),
    ],
)
def test_singular_and_plural_find_one_another(question, text):
    assert counts_of([f"we saw {text} there", "nothing"], question) == [[1, 0]]


def test_words_that_say_nothing_are_left_out_unless_there_are_no_others():
    assert question_words("What of the tariffs on our suppliers") == question_words("tariffs suppliers")
    assert question_words("the and of") != []
    assert question_words("? !") == []


def test_a_word_said_twice_counts_once_as_a_question():
    assert question_words("tariff tariffs tariff") == question_words("tariffs")


def test_scores_are_those_of_a_library():
    """bm25s, given the same words; lucene is the variant."""
    texts = [*SENTENCES, "", "freight freight freight"]
    question = "ocean freight rates of carriers in the port"
    words = question_words(question)
    forms = {form: str(number) for number, of_word in enumerate(words) for form in of_word}
    split = ["".join(c if c.isalnum() else " " for c in text.lower()).split() for text in texts]
    tokens = [[forms.get(word, word) for word in text if len(word) > 1] for text in split]
    library = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    library.index(tokens, show_progress=False)
    expected = library.get_scores([str(number) for number in range(len(words))])
    found = bm25(WordIndex(pa.array(texts)).count(words))
    assert (found > 0).sum() > 10
    assert np.allclose(found, expected, rtol=1e-5)


def test_an_index_for_many_questions_counts_the_same():
    texts = pa.array([*SENTENCES, "", "freight freight rates"], pa.string())
    usual, many = WordIndex(texts), WordIndex(texts)
    many.sort()
    for question in ("ocean freight rates", "nothing like that", "banks", "rate rates of loans"):
        words = question_words(question)
        assert many.count(words).counts.tolist() == usual.count(words).counts.tolist()
        assert many.count(words).lengths.tolist() == usual.count(words).lengths.tolist()
    empty = WordIndex(pa.array([], pa.string()))
    empty.sort()
    assert empty.count(question_words("freight")).counts.shape == (1, 0)


def test_no_text_and_no_word_have_no_score():
    assert bm25(WordIndex(pa.array([], pa.string())).count(question_words("tariff"))).tolist() == []
    assert bm25(WordIndex(pa.array(["tariff"])).count([])).tolist() == [0.0]


def test_a_part_of_a_table_is_read_as_what_it_is():
    texts = pa.array(["freight", "wages", "freight rates"]).slice(1)
    assert WordIndex(texts).count(question_words("freight")).counts.tolist() == [[0, 1]]
