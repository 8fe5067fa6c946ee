"""Tables are checked where they cross a boundary; published tables keep what docs/data-contracts.md promises."""

import pyarrow as pa
import pytest
from invented import bare_row, firm, part_table, prefetch_table

from ftm_ray.errors import SourceError
from ftm_ray.schemas.answers import LLM_ANSWERS
from ftm_ray.schemas.arrays import numbers, strings
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.parts import FIRM_TOPICS, TOPIC, FirmStatus
from ftm_ray.schemas.published import FIRMS, PUBLISHED, SENTENCES, THEMES, TOPICS
from ftm_ray.schemas.sentiment import SENTIMENT_READY
from ftm_ray.schemas.store import PREFETCH, SENTENCE


@pytest.fixture
def table():
    return prefetch_table([firm("F1", [["We sell more boxes."]])])


def test_a_true_table_comes_back_itself(table):
    assert check_table(table, PREFETCH, "here") is table


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.drop(["gvkey"]), "expected the columns"),
        (lambda t: t.append_column("more", t["quarter"]), "'more'"),
        (lambda t: t.select(t.column_names[::-1]), "expected the columns"),
        (lambda t: t.set_column(2, "permno", pa.array(["10001"])), "'permno' is string, expected int64"),
        (lambda t: t.set_column(6, "n_calls", pa.array([1], pa.int64())), "'n_calls' is int64, expected int32"),
        (lambda t: t.set_column(0, "firm_id", pa.array([None], pa.string())), "'firm_id' has 1 nulls"),
        (lambda t: t.set_column(7, "sentences", pa.nulls(1, PREFETCH.field("sentences").type)), "has 1 nulls"),
    ],
)
def test_each_way_to_be_wrong_is_named_with_its_place(table, spoil, said):
    with pytest.raises(SourceError, match="here: ") as caught:
        check_table(spoil(table), PREFETCH, "here")
    assert said in str(caught.value)


def test_null_is_fine_where_a_value_may_be_missing(table):
    unlinked = prefetch_table([firm("F1", [["We sell more boxes."]], permno=None)])
    assert check_table(unlinked, PREFETCH, "here")["permno"].null_count == 1


def test_a_table_without_rows_is_checked_too():
    assert check_table(PREFETCH.empty_table(), PREFETCH, "here").num_rows == 0
    with pytest.raises(SourceError):
        check_table(FIRMS.empty_table(), PREFETCH, "here")


def test_types_survive_a_file(lake, table):
    lake.write_table("t.parquet", table)
    assert check_table(lake.read_table("t.parquet"), PREFETCH, "here").equals(table)
    part = part_table([bare_row(firm("F1", [["We sell more boxes."]]), "failed", "why")])
    lake.write_table("p.parquet", part)
    assert check_table(lake.read_table("p.parquet"), FIRM_TOPICS, "here").equals(part)


def test_published_tables_say_which_run_and_firm_they_belong_to():
    for name, schema in PUBLISHED.items():
        assert not schema.field("run_id").nullable, name
        assert "quarter" in schema.names, name


def test_no_table_has_a_column_twice():
    for schema in (*PUBLISHED.values(), PREFETCH, FIRM_TOPICS, SENTIMENT_READY, LLM_ANSWERS):
        assert len(set(schema.names)) == len(schema.names)


def test_sentences_keep_all_that_prefetch_knew():
    assert {field.name for field in SENTENCE} <= set(SENTENCES.names)
    assert SENTENCES.field("topic_id").nullable  # null = left out
    assert SENTENCES.field("drop_reason").nullable


def test_topics_lose_nothing_but_texts_of_exemplars_and_how_questions_ended():
    assert {field.name for field in TOPIC} - set(TOPICS.names) == {"exemplar_texts", "outcome", "refused_answer"}


def test_what_only_an_llm_has_is_null_for_keywords():
    for schema in (pa.schema(list(TOPIC)), TOPICS, THEMES):
        for name in ("llm_model", "prompt_version", "finish_reason", "prompt_tokens", "names_firm"):
            assert schema.field(name).nullable, name
        for name in ("label", "summary_source"):
            assert not schema.field(name).nullable, name


def test_the_words_that_name_a_firm_stay_inside_the_map():
    assert not FIRM_TOPICS.field("own_names").nullable
    assert not any("own_names" in schema.names for schema in PUBLISHED.values())


def test_a_sentiment_row_always_has_a_stock_and_a_date():
    assert SENTIMENT_READY.field("permno").type == pa.int64()
    assert not SENTIMENT_READY.field("permno").nullable
    assert not SENTIMENT_READY.field("earnings_call_date").nullable


def test_a_status_can_be_compared_with_what_stands_in_a_file():
    assert FirmStatus("failed") is FirmStatus.FAILED
    assert FirmStatus.DONE == "done"


def test_arrays_made_without_pandas_are_those_of_arrow():
    values = ["freight", "", "Zürich", "关税"]
    assert strings(values).equals(pa.array(values, pa.string()))
    assert strings([]).equals(pa.array([], pa.string()))


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.bool_()])
def test_numbers_are_those_that_arrow_gives(kind):
    array = pa.array([1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0], pa.int8()).cast(kind)
    for part in (
        array,
        array.slice(3),
        array.slice(2, 5),
        array.slice(0, 0),
        pa.chunked_array([array, array.slice(9)]),
    ):
        found = numbers(part)
        assert found.tolist() == part.to_pylist()
        assert found.dtype == kind.to_pandas_dtype()
