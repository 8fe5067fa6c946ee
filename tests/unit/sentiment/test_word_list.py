import pytest

from ftm_ray.errors import SourceError
from ftm_ray.sentiment.word_list import COUNT_COLUMNS, no_counts, read_word_list

HEADER = "Word,Seq_num,Negative,Positive,Uncertainty,Litigious,Strong_Modal,Weak_Modal,Constraining,Complexity\n"
LIST = (
    HEADER
    + "LOSS,1,2009,0,0,0,0,0,0,0\n"
    + "CLAIM,2,2009,0,0,2009,0,0,0,0\n"
    + "STRONG,3,0,2009,0,0,0,0,0,0\n"
    + "GAIN,4,0,2009,0,0,0,0,0,0\n"
    + "MAY,5,0,0,2009,0,0,2009,0,0\n"
    + "TABLE,6,0,0,0,0,0,0,0,0\n"
    + "QUESTION,7,-2020,0,0,0,0,0,0,0\n"  # taken out in 2020
)


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(LIST, encoding="utf-8-sig")
    return read_word_list(path)


def counted(words, text):
    return {name: values[0].as_py() for name, values in words.counts([text]).items()}


def test_words_are_counted_in_each_of_their_categories(words):
    found = counted(words, "The claim may bring a loss; a loss, on a long-term table.")
    assert found == dict.fromkeys(COUNT_COLUMNS, 0) | {
        "n_words": 13,  # a hyphen parts words
        "lm_negative": 3,
        "lm_litigious": 1,
        "lm_uncertainty": 1,
        "lm_weak_modal": 1,
    }


def test_a_word_that_was_taken_out_does_not_count(words):
    assert counted(words, "A question.")["lm_negative"] == 0


@pytest.mark.parametrize(
    ("text", "n_negated"),
    [
        ("Demand was not strong.", 1),
        ("It isn’t a very strong quarter.", 1),  # three words before it
        ("It isn't by any means strong.", 0),  # four
        ("We cannot gain, and never were strong.", 2),
        ("Strong, not weak.", 0),  # only what stands before it
        ("There is no loss.", 0),  # negative words are not turned round
    ],
)
def test_positive_words_are_negated_by_the_three_words_before(words, text, n_negated):
    assert counted(words, text)["lm_negated"] == n_negated


def test_a_category_that_the_list_lacks_is_unknown(tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("word,positive,negative\nstrong,1,0\n")
    found = counted(read_word_list(path), "Strong.")
    assert (found["lm_positive"], found["lm_negative"], found["lm_litigious"]) == (1, 0, None)


def test_without_a_list_nothing_is_known():
    assert {name: values.to_pylist() for name, values in no_counts(2).items()} == {
        name: [None, None] for name in COUNT_COLUMNS
    }


def test_another_list_is_another_digest(words, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text(LIST.replace("GAIN", "GAINS"))
    assert read_word_list(path).digest != words.digest


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("Word,Positive\nGAIN,2009\n", "has no column negative; expected Word"),
        ("", "has no column word, positive, negative.*an empty file"),
        (HEADER + "LOSS,1,yes,0,0,0,0,0,0,0\n", "line 2: expected a year or 0"),
        (HEADER + "LOSS,1\n", "line 2: expected a year or 0"),
        (b"PK\x03\x04\xff\xfe", "cannot read the word list"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path, content, problem):
    path = tmp_path / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SourceError, match=problem):
        read_word_list(path)
