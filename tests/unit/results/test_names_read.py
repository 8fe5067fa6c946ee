"""Names to read: refused answers first, from parts, whether a run was published or refused."""

import json

import pytest
from command import ftm, one_error_line
from invented import QUARTER

from ftm_ray.errors import DamagedError, SourceError
from ftm_ray.results.names_page import names_page
from ftm_ray.results.names_read import read_names
from ftm_ray.schemas.parts import FIRM_TOPICS, SummarySource

LOOP = '{"label": "A product", "summary": "It is a product that is a product that is a product"}'


def say(run, endings):
    """Write into the parts how the questions of their topics ended, one after the other."""
    import pyarrow as pa

    left = list(endings)
    for batch, part in run.parts():
        rows = part.to_pylist()
        for topic in (topic for row in rows for topic in row["topics"]):
            topic |= left.pop(0) if left else {}
        run.lake.write_table(run.part_path(batch), pa.Table.from_pylist(rows, schema=FIRM_TOPICS))


def named(label, word_support=1.0, unsupported=()):
    return {
        "label": label,
        "representation": f"{label} is discussed, since it costs more.",
        "summary_source": SummarySource.LLM.value,
        "outcome": "named",
        "word_support": word_support,
        "unsupported": list(unsupported),
    }


@pytest.fixture
def refused_run(six_firms_run):
    say(
        six_firms_run,
        [
            named("Freight costs", 0.9),
            {"outcome": "looped", "refused_answer": LOOP},
            named("Wage growth", 0.4),
            named("Chip supply", 0.8, ["Boise"]),
            {"outcome": "unreachable"},
        ],
    )
    return six_firms_run


def test_a_part_with_an_empty_place_is_named(refused_run):
    import pyarrow as pa

    path = refused_run.part_path(refused_run.manifest.batches[0])
    table = refused_run.lake.read_sealed(path)
    at = table.schema.get_field_index("topics")
    empty = pa.nulls(table.num_rows, table.schema.field(at).type)
    refused_run.lake.write_table(path, table.set_column(at, table.schema.field(at).with_nullable(True), empty))
    with pytest.raises(DamagedError, match="column 'topics' has empty places"):
        read_names(refused_run.lake, QUARTER, 40)


def test_refused_answers_come_first_then_what_nobody_said_then_by_support(refused_run):
    read = read_names(refused_run.lake, QUARTER, 40)
    assert [name.outcome for name in read.names[:2]] == ["looped", "unreachable"]
    assert [name.label for name in read.names[2:]] == ["Chip supply", "Wage growth", "Freight costs"]
    assert read.outcomes == {"named": 3, "looped": 1, "unreachable": 1}
    assert read.names[0].refused_answer == LOOP
    assert all(name.sentences for name in read.names)


def test_a_sample_is_the_same_each_time_and_the_worst_are_the_worst(refused_run):
    assert read_names(refused_run.lake, QUARTER, 2) == read_names(refused_run.lake, QUARTER, 2)
    assert [name.is_refused for name in read_names(refused_run.lake, QUARTER, 2, worst=True).names] == [True, True]


def test_topics_that_no_llm_was_asked_about_are_not_names_to_read(six_firms_run):
    with pytest.raises(SourceError, match="no LLM was asked"):
        read_names(six_firms_run.lake, QUARTER, 5)


def test_an_unknown_map_is_named_with_those_that_are_there(refused_run):
    with pytest.raises(SourceError, match=refused_run.map_id):
        read_names(refused_run.lake, QUARTER, 5, map_id="2024Q1-000000000000")


def test_text_of_transcripts_and_models_is_never_markup_in_the_page(refused_run):
    say(
        refused_run, [named("<img src=x onerror=alert(1)>"), {"outcome": "looped", "refused_answer": "</code><script>"}]
    )
    page = names_page(read_names(refused_run.lake, QUARTER, 40))
    assert "<img" not in page
    assert "<script" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "default-src 'none'" in page


def test_the_command_prints_and_writes_a_page(refused_run, tmp_path):
    page = tmp_path / "names.html"
    shown = ftm("llm", "read", QUARTER, "--root", refused_run.lake.root, "--out", page)
    assert shown.exit_code == 0
    for part in ("refused: looped, says the same over and over", "Freight costs", "nobody said: Boise", "names.html"):
        assert part in " ".join(shown.stdout.split())
    assert "Wage growth" in page.read_text()
    found = json.loads(ftm("llm", "read", QUARTER, "--root", refused_run.lake.root, "--out", page, "--json").stdout)
    assert len(found["names"]) == 5


def test_a_page_that_cannot_be_written_is_a_usage_error(refused_run, tmp_path):
    result = ftm("llm", "read", QUARTER, "--root", refused_run.lake.root, "--out", tmp_path / "none" / "names.html")
    assert result.exit_code == 2
    assert "--out" in one_error_line(result)
