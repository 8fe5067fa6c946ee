from datetime import date

import pyarrow as pa
import pytest

from ftm_ray.sentiment.aggregates import speaker_groups, theme_rows
from ftm_ray.sentiment.word_list import COUNT_COLUMNS


def sentence(p_pos, p_neg, theme_id="T1", group="cfo", **counts):
    """One scored sentence of one call."""
    call = {"firm_id": "f", "transcript_id": "c", "call_date": date(2024, 2, 1), "permno": 7}
    row = {"theme_id": theme_id, "speaker_group": group, "p_pos": p_pos, "p_neg": p_neg}
    return call | row | dict.fromkeys(COUNT_COLUMNS) | counts


def rows_of(*sentences):
    schema = pa.Table.from_pylist([sentence(0.0, 0.0)]).schema
    for name in COUNT_COLUMNS:
        schema = schema.set(schema.get_field_index(name), pa.field(name, pa.int32()))
    return theme_rows(pa.Table.from_pylist(list(sentences), schema=schema)).to_pylist()


def test_scores_are_put_together_by_theme_and_speaker_group():
    found = rows_of(
        sentence(0.9, 0.1),
        sentence(0.2, 0.5, theme_id="T0"),
        sentence(0.1, 0.7),
        sentence(0.5, 0.5, group="analyst"),
    )
    assert [(row["theme_id"], row["speaker_group"], row["n_sentences"]) for row in found] == [
        ("T0", "cfo", 1),
        ("T1", "analyst", 1),
        ("T1", "cfo", 2),
    ]
    assert [row["score"] for row in found] == pytest.approx([-0.3, 0.0, 0.1])
    assert [row["score_std"] for row in found] == [None, None, pytest.approx(0.7 * 2**0.5)]
    assert {(row["permno"], row["call_date"]) for row in found} == {(7, date(2024, 2, 1))}


def test_counts_are_summed_and_a_negated_positive_word_counts_as_negative():
    counts = dict.fromkeys(COUNT_COLUMNS, 0)
    (found,) = rows_of(
        sentence(0.5, 0.5, **counts | {"n_words": 12, "lm_positive": 3, "lm_negated": 1}),
        sentence(0.5, 0.5, **counts | {"n_words": 8, "lm_negative": 2}),
    )
    assert (found["n_words"], found["lm_positive"], found["lm_negative"]) == (20, 3, 2)
    assert found["lm_score"] == pytest.approx((2 - 1 - 2) / 20)


def test_without_words_there_is_no_score_of_them():
    (no_list,) = rows_of(sentence(0.5, 0.5))
    (no_words,) = rows_of(sentence(0.5, 0.5, **dict.fromkeys(COUNT_COLUMNS, 0)))
    assert no_list["lm_score"] is no_words["lm_score"] is None
    assert no_list["n_words"] is None


def test_speakers_are_grouped_by_their_type():
    types = pa.chunked_array([["CFO", "Analyst", None, "Operator", "CEO", "Executive", "Chair"]])
    assert speaker_groups(types).to_pylist() == ["cfo", "analyst", "other", "other", "ceo", "executive", "other"]
