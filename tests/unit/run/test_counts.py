"""What travels to the driver with each part: the same numbers as in the part itself."""

import pytest
from invented import bare_row, done_row, firm, part_table, run_files, topic_vector, write_store

from ftm_ray.config import RunConfig
from ftm_ray.run.counts import COUNTED_COLUMNS, PartCounts, count_part, summary_sources

FIRMS = [firm("A", [["One.", "Two."]]), firm("B", [["Three."]]), firm("C", [["Four.", "Five."]])]


@pytest.fixture
def part():
    rows = [
        done_row(FIRMS[0], [0, 1], [topic_vector(0), topic_vector(3)]),
        bare_row(FIRMS[1], "failed", "boom"),
        done_row(FIRMS[2], [0, None], [topic_vector(0)]),
    ]
    named = {"summary_source": "llm", "prompt_tokens": 500, "completion_tokens": 40, "names_firm": True}
    rows[0]["topics"][1] |= named
    return part_table(rows)


def test_firms_topics_and_sentences_are_counted(part):
    assert count_part(part) == PartCounts(
        statuses={"done": 2, "failed": 1},
        reasons={"boom": 1},
        drop_reasons={"failed": 1, "procedure": 1},
        sources={"keywords": 2, "llm": 1},
        n_names_firm=1,
        prompt_tokens=500,
        completion_tokens=40,
        embed_s=1.5,
        cluster_s=0.75,
    )
    counts = count_part(part)
    assert (counts.n_failed, counts.n_topics, counts.n_unnamed) == (1, 3, 2)


def test_sources_are_those_of_the_firms_looked_at(part):
    assert summary_sources(part) == ["keywords", "llm", "keywords"]
    assert summary_sources(part.slice(1)) == ["keywords"]


def test_a_part_without_topics_counts_zero_and_not_null():
    counts = count_part(part_table([bare_row(FIRMS[1], "skipped", "few")]))
    assert (counts.n_topics, counts.n_names_firm, counts.prompt_tokens) == (0, 0, 0)


def test_counts_of_parts_are_added_and_leave_the_others_as_they_are(part):
    total, one = PartCounts(), count_part(part)
    for _ in range(2):
        total.add(one)
    assert one == count_part(part)
    assert (total.n_failed, total.n_topics, total.drop_reasons["procedure"], total.embed_s) == (2, 6, 2, 3.0)
    assert total.n_firms == 6


def test_counts_travel_as_text(part):
    counts = count_part(part)
    again = PartCounts.from_json(counts.to_json())
    assert again == counts
    again.add(counts)  # still Counters: a reason that is missing counts zero
    assert again.statuses["skipped"] == 0


def test_the_columns_read_for_counting_are_enough(lake, part):
    run = run_files(lake, write_store(lake, [FIRMS]), RunConfig())
    path = run.part_path(run.manifest.batches[0])
    lake.write_table(path, part)
    read = lake.read_table(path, COUNTED_COLUMNS)
    assert count_part(read) == count_part(part)
    assert [field.name for field in read["topics"].type.value_type] == [
        "summary_source",
        "prompt_tokens",
        "completion_tokens",
        "names_firm",
        "word_support",
    ]
