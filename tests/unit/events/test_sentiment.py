from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from ftm_ray.errors import SourceError
from ftm_ray.events.sentiment import ToneSettings, tones_of

ROWS = [
    {"speaker_group": "analyst", "score": -0.5, "n_sentences": 1, "lm_score": None, "n_words": None},
    {"speaker_group": "cfo", "score": 0.5, "n_sentences": 3, "lm_score": 0.1, "n_words": 30},
    {"speaker_group": "ceo", "score": 0.1, "n_sentences": 2, "lm_score": -0.2, "n_words": 10},
]
KEY = ("T1", "f", "c")


def tones(rows=ROWS, **settings):
    table = pa.Table.from_pylist([{"theme_id": "T1", "firm_id": "f", "transcript_id": "c"} | row for row in rows])
    return {key: tone.score for key, tone in tones_of(table, ToneSettings(**settings), "a table").items()}


def test_every_sentence_counts_the_same_by_default():
    assert tones() == {KEY: pytest.approx((-0.5 + 1.5 + 0.2) / 6)}


def test_weights_are_those_of_groups_and_of_those_that_spoke():
    assert tones(speaker_weights={"analyst": 49, "cfo": 30, "executive": 16}) == {
        KEY: pytest.approx((-0.5 * 49 + 0.5 * 30) / 79)
    }


def test_a_call_in_which_no_weighted_group_speaks_has_no_tone():
    assert tones(speaker_weights={"executive": 1}) == {}


def test_words_are_put_together_by_their_number_and_rows_without_them_passed_by():
    assert tones(measure="words") == {KEY: pytest.approx((3 - 2) / 40)}
    assert tones(ROWS[:1], measure="words") == {}


def test_what_is_no_score_is_refused():
    with pytest.raises(SourceError, match="a table: every row needs a score from -1 to 1"):
        tones([ROWS[0] | {"score": 1.5}])
    with pytest.raises(SourceError, match="a table lacks lm_score, n_words"):
        tones([{"score": 0.5, "n_sentences": 1}], measure="words")
    with pytest.raises(SourceError, match="a table lacks speaker_group"):
        tones([{"score": 0.5, "n_sentences": 1}], speaker_weights={"cfo": 1})


def test_a_day_counts_from_its_end_and_what_is_no_time_is_refused():
    def known(value):
        row = ROWS[0] | {"theme_id": "T1", "firm_id": "f", "transcript_id": "c", "knowledge_time": value}
        return tones_of(pa.Table.from_pylist([row]), ToneSettings(), "a table")[KEY].knowledge_time

    assert known("2024-05-10") == known(date(2024, 5, 10)) == datetime(2024, 5, 11, tzinfo=UTC)
    assert known("2024-05-10T16:30:00-05:00") == datetime(2024, 5, 10, 21, 30, tzinfo=UTC)
    with pytest.raises(SourceError, match="'soon' is no time"):
        known("soon")
