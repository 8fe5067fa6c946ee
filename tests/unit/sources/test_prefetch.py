"""The prefetch store: what stands in it, and that it can be interrupted and run again."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ftm_ray
from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.store import COVERAGE, PREFETCH, SENTENCE, Batch
from ftm_ray.sources import chunks, plan, prefetch
from ftm_ray.sources.calls import Call, Firm, Passage, Turn
from ftm_ray.sources.defects import Verdict
from ftm_ray.sources.prefetch import prefetch_quarter, read_manifest

QUARTER = "2023Q1"
FOLDER = Lake.prefetch_dir(QUARTER)


def speech(seed: int) -> str:
    return " ".join(f"In our plant {seed} the line {i} made more boxes than in the year before." for i in range(30))


def firm(number: int, *texts: str) -> Firm:
    calls = (
        Call(f"t{number}-{i}", date(2023, 2, 1 + i), (Turn(text, "Jo Doe", "CEO"),)) for i, text in enumerate(texts)
    )
    return Firm(f"F{number:03d}", f"Firm{number} Inc", None, number or None, None, None, tuple(calls))


@dataclass
class ListSource:
    """A source with the firms it is given."""

    given: list[Firm]
    name: str = "files"
    linked: bool = True
    n_reads: list[int] = field(default_factory=list)

    def fingerprint(self, quarter: str) -> str:
        return str(hash(tuple(self.given)))

    def firms(self, quarter: str) -> Iterator[Firm]:
        self.n_reads.append(1)
        return iter(self.given)

    def neighbours(self, quarter: str, firm_ids: Collection[str]) -> Iterator[Passage]:
        return iter(())

    def unread_calls(self, quarter: str) -> tuple[()]:
        return ()

    def input_counts(self) -> dict[str, int]:
        return {"rows of the quarter": len(self.given)}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Two firms a chunk, so that little input gives several."""
    monkeypatch.setattr(plan, "FIRMS_PER_CHUNK", 2)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def run(lake: Lake, source: ListSource) -> prefetch.PrefetchReport:
    return prefetch_quarter(lake, QUARTER, source, lambda *_: None)


def files(lake: Lake) -> dict[str, bytes]:
    folder = Path(lake.root) / FOLDER
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FIVE = [firm(number, speech(number)) for number in range(5)]


def test_store_holds_the_firms_in_order(lake):
    report = run(lake, ListSource(FIVE))
    assert sorted(files(lake)) == [
        "chunk_0000.parquet",
        "chunk_0001.parquet",
        "chunk_0002.parquet",
        "coverage.parquet",
        "manifest.json",
        "plan.json",
    ]
    manifest = read_manifest(lake, QUARTER)
    assert manifest == report.manifest
    assert (manifest.n_firms, manifest.n_calls, manifest.n_sentences, manifest.linked) == (5, 5, 150, True)
    assert [batch.number for batch in manifest.batches] == list(range(5))
    for batch in manifest.batches:
        table = lake.read_row_group(f"{FOLDER}/{batch.chunk}", batch.row_group)
        check_table(table, PREFETCH, batch.chunk)
        assert tuple(table.column("firm_id").to_pylist()) == batch.firm_ids
        assert sum(map(len, table.column("sentences").to_pylist())) == batch.n_sentences


def test_sentence(lake):
    run(lake, ListSource([firm(7, speech(7), speech(8))]))
    (row,) = lake.read_table(f"{FOLDER}/chunk_0000.parquet").to_pylist()
    assert (row["firm_id"], row["permno"], row["n_calls"], row["quarter"]) == ("F007", 7, 2, QUARTER)
    first, last = row["sentences"][0], row["sentences"][-1]
    assert first["sentence_id"] == "F007_t7-0_0000"
    assert first["raw_text"] == "In our plant 7 the line 0 made more boxes than in the year before."
    assert "plant" in first["cleaned_text"].split()
    assert (first["speaker_name"], first["speaker_type"]) == ("Jo Doe", "CEO")
    assert last["sentence_id"] == "F007_t7-1_0029"
    assert last["call_date"] == date(2023, 2, 2)


@pytest.mark.parametrize(("n_firms", "expected"), [(2, 1), (31, 1), (32, 2), (400, 25), (900, 25)])
def test_row_groups_give_every_core_work(lake, monkeypatch, n_firms, expected):
    monkeypatch.setattr(plan, "FIRMS_PER_CHUNK", 1000)
    monkeypatch.setattr(plan, "judge_calls", lambda firms, _: dict.fromkeys(_keys(firms), Verdict()))
    run(lake, ListSource([firm(number, "We made boxes.") for number in range(n_firms)]))
    assert len(read_manifest(lake, QUARTER).batches[0].firm_ids) == expected


def _keys(firms: Iterator[Firm]) -> list[tuple[str, str]]:
    return [(firm.firm_id, call.transcript_id) for firm in firms for call in firm.calls]


def test_every_call_and_sentence_is_accounted_for(lake):
    twice = f"{speech(1)} {speech(1)} Wir freuen uns sehr und danken allen Mitarbeitern für diese schöne Arbeit."
    report = run(lake, ListSource([firm(0, speech(0)), firm(1, twice), firm(2, "Thanks."), firm(3, "")]))
    coverage = lake.read_table(f"{FOLDER}/coverage.parquet")
    check_table(coverage, COVERAGE, "coverage")
    assert [(row["kept"], row["reason"]) for row in coverage.to_pylist()] == [
        (True, None),
        (True, None),
        (False, "short"),
        (False, "empty"),
    ]
    assert coverage.to_pylist()[1]["notes"] == ["pasted_twice: 30 sentences", "foreign: 1 sentences"]
    lines = {(line.kind, line.reason): (line.n_firms, line.n_calls, line.n_sentences) for line in report.lines}
    assert lines == {
        ("in", None): (4, 4, 92),
        ("kept", None): (2, 2, 60),
        ("dropped", "pasted_twice"): (0, 0, 30),
        ("dropped", "foreign"): (0, 0, 1),
        ("dropped", "short"): (1, 1, 1),
        ("dropped", "empty"): (1, 1, 0),
    }
    assert report.n_unlinked == 1


def test_second_run_does_nothing(lake):
    first, source = run(lake, ListSource(FIVE)), ListSource(FIVE)
    before = files(lake)
    second = run(lake, source)
    assert (first.state, second.state) == ("built", "unchanged")
    assert source.n_reads == []
    assert files(lake) == before
    assert (second.manifest, second.lines, second.input_counts) == (first.manifest, first.lines, first.input_counts)


def test_what_a_kill_after_the_manifest_left_is_tidied_up(lake):
    run(lake, ListSource(FIVE))
    before = files(lake)
    lake.write_table(f"{FOLDER}/coverage/part_0000.parquet", lake.read_table(f"{FOLDER}/coverage.parquet"))
    assert run(lake, ListSource(FIVE)).state == "unchanged"
    assert files(lake) == before


def test_changed_input_makes_everything_again(lake):
    run(lake, ListSource(FIVE))
    report = run(lake, ListSource([firm(9, speech(9))]))
    assert report.state == "built"
    assert sorted(files(lake)) == ["chunk_0000.parquet", "coverage.parquet", "manifest.json", "plan.json"]
    assert read_manifest(lake, QUARTER).n_firms == 1


def test_code_of_every_source_makes_another_store():
    """A repaired reader must not leave the old store standing."""
    package = Path(ftm_ray.__file__).parent
    hashed = {path.relative_to(package).as_posix() for path in prefetch._code_files()}
    named = {"firm_rows.py", "values.py", "files/links.py", "files/rows.py", "wrds/calls.py", "wrds/source.py"}
    assert {f"sources/{name}" for name in named} | {"text/sentences.py", "text/names.py"} <= hashed


def test_interrupted_run_is_finished_with_the_same_bytes(lake, tmp_path, monkeypatch):
    whole = Lake(str(tmp_path / "whole"))
    run(whole, ListSource(FIVE))
    made = []
    real = chunks.firm_rows

    def dying(firm: Firm, *rest: object) -> object:
        made.append(firm.firm_id)
        if len(made) == 4:
            raise KeyboardInterrupt
        return real(firm, *rest)

    monkeypatch.setattr(chunks, "firm_rows", dying)
    with pytest.raises(KeyboardInterrupt):
        run(lake, ListSource(FIVE))
    with pytest.raises(SourceError, match=r"run `ftm prefetch 2023Q1` first"):
        read_manifest(lake, QUARTER)
    assert run(lake, ListSource(FIVE)).state == "resumed"
    assert made == ["F000", "F001", "F002", "F003", "F002", "F003", "F004"]
    assert files(lake) == files(whole)


def test_interrupted_run_with_other_input_starts_anew(lake, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(prefetch, "_publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(lake, ListSource(FIVE))
    assert run(lake, ListSource([firm(9, speech(9)), *FIVE[:1]])).state == "built"
    assert read_manifest(lake, QUARTER).n_firms == 2


def test_lost_chunk_is_made_again(lake):
    run(lake, ListSource(FIVE))
    before = files(lake)
    lake.delete_file(f"{FOLDER}/chunk_0001.parquet")
    run(lake, ListSource(FIVE))
    assert files(lake) == before


def test_chunk_without_firms_is_no_batch(lake):
    run(lake, ListSource([firm(0, "Hi."), firm(1, ""), firm(2, speech(2))]))
    (batch,) = read_manifest(lake, QUARTER).batches
    assert batch == Batch(0, "chunk_0001.parquet", 0, ("F002",), 30)


def test_nothing_usable_is_an_error_that_says_why(lake):
    with pytest.raises(SourceError, match="no call of 2023Q1 is usable: 2 short, 1 empty"):
        run(lake, ListSource([firm(0, "Hi."), firm(1, "Ho."), firm(2, "")]))
    with pytest.raises(SourceError, match="first"):
        read_manifest(lake, QUARTER)


def test_manifest_that_was_changed_is_refused(lake):
    run(lake, ListSource(FIVE))
    path = Path(lake.root) / FOLDER / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"n_firms": 4}))
    with pytest.raises(SourceError, match="changed by hand"):
        read_manifest(lake, QUARTER)


def test_digest_follows_the_content(lake, tmp_path):
    def digest(name: str, firms: list[Firm]) -> str:
        return run(Lake(str(tmp_path / name)), ListSource(firms)).manifest.digest

    assert digest("one", FIVE) == digest("two", FIVE)
    assert digest("one", FIVE) != digest("three", FIVE[:4])


def test_progress_reaches_the_end(lake):
    steps = []
    prefetch_quarter(lake, QUARTER, ListSource(FIVE), lambda *step: steps.append(step))
    assert ("comparing calls", 5, None) in steps
    assert steps[-1] == ("cleaning", 5, 5)


def test_map_reads_plain_parquet(lake):
    run(lake, ListSource(FIVE))
    file = pq.ParquetFile(Path(lake.root) / FOLDER / "chunk_0000.parquet")
    assert file.num_row_groups == 2
    assert file.schema_arrow.field("sentences").type == pa.list_(SENTENCE)
