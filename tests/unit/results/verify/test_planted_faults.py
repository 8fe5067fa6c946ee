"""Every fault that is planted in a lake is found: in rows, though the hashes agree, and in bytes, wherever they lie."""

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from invented import QUARTER
from published import NEXT
from whole_quarter import write_whole_quarter

from ftm_ray.errors import FtmError, SourceError
from ftm_ray.lake.runs import with_digest
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.results.verify.quarter import verify_quarter

#: So many places of each file are damaged, one after another.
PLACES = 50


@pytest.fixture(scope="module")
def whole(tmp_path_factory, config):
    """(root, run) of a lake that no test may change."""
    folder = tmp_path_factory.mktemp("whole")
    run = write_whole_quarter(Lake(str(folder / "lake")), config, folder / "model")
    return folder / "lake", run


@pytest.fixture
def copied(whole, tmp_path):
    """A copy to damage."""
    shutil.copytree(whole[0], tmp_path / "copy")
    return Lake(str(tmp_path / "copy"))


def problems(lake, quarter=QUARTER):
    """What `ftm verify` says is wrong, by check; an error that ends it counts as a check of its own."""
    try:
        checks = verify_quarter(lake, quarter)
    except SourceError as error:
        return {"refused": str(error)}
    return {check.name: " ".join(check.problems) for check in checks if check.problems}


def test_nothing_is_wrong_with_a_whole_lake(whole):
    lake = Lake(str(whole[0]))
    assert problems(lake) == {}
    names = {check.name for check in verify_quarter(lake, QUARTER)}
    assert names >= {"files", "record", "store", "parts", "kept vectors", "kept answers", "kept scores", "lineage"}


# --- in rows: hashes and digests are made to agree -----------------------------------------------------------------


def path_of(name, quarter=QUARTER):
    return f"processed/{name}/quarter={quarter}/part-00000.parquet"


def forge(lake, path, edit):
    """Rewrite a published file, and its hash in run.json or sentiment.json."""
    table = edit(lake.read_table(path))
    lake.write_table(path, table)
    for record_path in Path(lake.root).glob(f"runs/quarter={QUARTER}/*/*.json"):
        at = str(record_path.relative_to(lake.root))
        record = lake.read_json(at)
        if path in record["files"]:
            record["files"][path] = lake.fingerprint(path) | {"rows": table.num_rows}
            lake.write_json(at, with_digest(record))


def forge_record(lake, edit):
    (path,) = Path(lake.root).glob(f"runs/quarter={QUARTER}/*/run.json")
    record = lake.read_json(str(path.relative_to(lake.root)))
    edit(record)
    lake.write_json(str(path.relative_to(lake.root)), with_digest(record))


def forge_registry(lake, table, edit):
    path = f"processed/{table}/quarter={QUARTER}/version-00001.parquet"
    lake.write_sealed(path, edit(lake.read_table(path)))


def setting(name, value, row=0):
    """An edit of one value."""

    def edit(table):
        at = table.schema.get_field_index(name)
        values = table[name].to_pylist()
        values[row] = value
        return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))

    return edit


def without_row(table):
    return table.slice(1)


def doubled(table):
    return pa.concat_tables([table, table.slice(0, 1)])


def without_firm(table):
    return table.filter(pc.not_equal(table["firm_id"], "F1"))


def plant(table, edit):
    return lambda lake: forge(lake, path_of(table), edit)


def delete(pattern):
    def act(lake):
        found = sorted(Path(lake.root).glob(pattern))
        assert found, pattern
        found[0].unlink()

    return act


def other_partition(lake):
    """The sentences of the other quarter's folder in this one's place."""
    shutil.copy(f"{lake.root}/{path_of('themes', NEXT)}", f"{lake.root}/{path_of('themes')}")
    forge(lake, path_of("themes"), lambda table: table)


def swapped_parts(lake):
    first, second = sorted(Path(lake.root).glob("intermediate/firm-topics/*/*/*.parquet"))[:2]
    shutil.copy(first, second)


ROW_FAULTS = {
    "missing published file": (delete(path_of("topics")), "files"),
    "missing sentences file": (delete("processed/sentences/*/part-00001.parquet"), "files"),
    "missing chunk": (delete("prefetch/transcripts/*/chunk_0000.parquet"), "store"),
    "missing coverage": (delete("prefetch/transcripts/*/coverage.parquet"), "store"),
    "missing part": (delete("intermediate/firm-topics/*/*/part-00001.parquet"), "parts"),
    "missing kept vectors": (delete("intermediate/sentence-vectors/*/*/part-00001.parquet"), "kept vectors"),
    "missing vectors": (delete("processed/sentence_vectors/*/part-00001.parquet"), "files"),
    "missing attention": (delete(f"processed/attention/quarter={QUARTER}/*.parquet"), "lineage"),
    "missing sentiment": (delete(f"processed/theme_sentiment/quarter={QUARTER}/*.parquet"), "sentiment"),
    "orphan topic": (plant("topics", setting("firm_id", "F9")), "chain"),
    "orphan sentence": (plant("sentences", setting("firm_id", "F9")), "sentence counts"),
    "sentence of no topic": (plant("sentences", setting("topic_id", 77)), "chain"),
    "theme of no topic": (plant("theme_topics", setting("topic_id", 77)), "theme topics"),
    "topic of no theme": (plant("theme_topics", setting("theme_id", f"{QUARTER}-0099")), "theme topics"),
    "row missing of firms": (plant("firms", without_row), "firm counts"),
    "row missing of topics": (plant("topics", without_row), "topic counts"),
    "row missing of themes": (plant("themes", without_row), "theme topics"),
    "row missing of theme_topics": (plant("theme_topics", without_row), "topic counts"),
    "row missing of sentences": (plant("sentences", without_row), "sentence counts"),
    "row double of firms": (plant("firms", doubled), "firm counts"),
    "row double of topics": (plant("topics", doubled), "topic counts"),
    "row double of themes": (plant("themes", doubled), "themes"),
    "row double of theme_topics": (plant("theme_topics", doubled), "theme topics"),
    "row double of sentences": (plant("sentences", doubled), "chain"),
    "firm missing everywhere but in sentences": (plant("firms", without_firm), "sentence counts"),
    "wrong count of a firm": (plant("firms", setting("n_topics", 9)), "topic counts"),
    "wrong count of a topic": (plant("topics", setting("n_sentences", 9)), "chain"),
    "wrong count of a theme": (plant("themes", setting("n_topics", 9)), "themes"),
    "wrong count in run.json": (
        lambda lake: forge_record(lake, lambda r: r["counts"].update(n_topics=9)),
        "topic counts",
    ),
    "wrong number of themes in run.json": (
        lambda lake: forge_record(lake, lambda r: r["quality"].update(n_themes=9)),
        "themes",
    ),
    "wrong rows in run.json": (
        lambda lake: forge_record(lake, lambda r: r["files"][path_of("topics")].update(rows=9)),
        "rows",
    ),
    "mixed runs in firms": (plant("firms", setting("run_id", "2024Q1-0", -1)), "run id"),
    "mixed runs in sentences": (plant("sentences", setting("run_id", "2024Q1-0")), "run id"),
    "mixed runs in theme_topics": (plant("theme_topics", setting("run_id", "2024Q1-0")), "run id"),
    "mixed runs in vectors": (plant("sentence_vectors", setting("run_id", "2024Q1-0")), "vectors"),
    "wrong partition": (other_partition, "theme topics"),
    "file of another run": (
        lambda lake: shutil.copy(
            f"{lake.root}/{path_of('themes')}", f"{lake.root}/{path_of('themes').replace('00000', '00009')}"
        ),
        "leftovers",
    ),
    "call of another quarter": (plant("sentences", setting("call_date", date(2023, 1, 1))), "sentiment-ready"),
    "part of another batch": (swapped_parts, "parts"),
    "theme_uid that was never seen": (
        lambda lake: forge_registry(lake, "lineage", setting("parent_uid", "U1999Q1-0001")),
        "lineage",
    ),
    "theme_uid of no theme in attention": (
        lambda lake: forge_registry(lake, "attention", setting("theme_uid", "U1999Q1-0001")),
        "lineage",
    ),
    "theme of no quarter in lineage": (
        lambda lake: forge_registry(lake, "lineage", setting("theme_id", f"{QUARTER}-0099")),
        "lineage",
    ),
    "theme twice in lineage": (lambda lake: forge_registry(lake, "lineage", doubled), "lineage"),
    "sentiment of another theme": (plant("sentence_sentiment", setting("theme_id", f"{QUARTER}-0099")), "sentiment"),
    "probabilities above 1": (plant("sentence_sentiment", setting("p_pos", 1.5)), "sentiment"),
}


@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_a_planted_fault_is_found(fault, copied):
    act, check = ROW_FAULTS[fault]
    act(copied)
    found = problems(copied)
    assert check in found, found


# --- in bytes ------------------------------------------------------------------------------------------------------

#: One file of each kind. Locks and marks are not among them: they live for the time of a command.
KINDS = {
    "firms": path_of("firms"),
    "topics": path_of("topics"),
    "themes": path_of("themes"),
    "theme_topics": path_of("theme_topics"),
    "sentences": path_of("sentences"),
    "vectors": path_of("sentence_vectors"),
    "sentiment-ready": Lake.sentiment_file(QUARTER),
    "sentence_sentiment": path_of("sentence_sentiment"),
    "theme_sentiment": path_of("theme_sentiment"),
    "lineage": f"processed/lineage/quarter={QUARTER}/version-00001.parquet",
    "attention": f"processed/attention/quarter={QUARTER}/version-00001.parquet",
    "run.json": f"runs/quarter={QUARTER}/*/run.json",
    "sentiment.json": f"runs/quarter={QUARTER}/*/sentiment.json",
    "chunk": f"{Lake.prefetch_dir(QUARTER)}/chunk_0000.parquet",
    "coverage": f"{Lake.prefetch_dir(QUARTER)}/coverage.parquet",
    "manifest": f"{Lake.prefetch_dir(QUARTER)}/manifest.json",
    "part": "intermediate/firm-topics/*/*/part-00000.parquet",
    "kept vectors": "intermediate/sentence-vectors/*/*/part-00000.parquet",
    "kept answers": "intermediate/llm-answers/*/*.parquet",
    "kept scores": "intermediate/sentiment/*/*/*.parquet",
}

#: What a manifest says of how the store came about, and its digest leaves out (sources/manifest.py).
NOT_COVERED = ("inputs", "input", "input_notes")


def file_of(lake, kind):
    (path,) = Path(lake.root).glob(KINDS[kind])
    return path


def content_of(path):
    """What a reader gets of a file; None if it cannot be read."""
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        value = Lake(str(path.parent)).read_json(path.name)
    except (OSError, ValueError, pa.ArrowException, FtmError):
        return None
    return {name: part for name, part in value.items() if name not in NOT_COVERED}


def unseen(lake, path, damages):
    """The damages that `ftm verify` does not see, though a reader gets other content."""
    whole = path.read_bytes()
    before = content_of(path)
    missed = []
    for name, damage in damages:
        path.write_bytes(damage(whole))
        if not problems(lake):
            after = content_of(path)
            if after is None or after != before:
                missed.append(name)
    path.write_bytes(whole)
    return missed


def flip(at):
    def damage(content):
        place = at * (len(content) - 1) // (PLACES - 1)
        return content[:place] + bytes([content[place] ^ (1 << at % 8)]) + content[place + 1 :]

    return damage


def cut(at):
    return lambda content: content[: at * len(content) // 10]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_is_found_wherever_it_lies(kind, copied):
    assert unseen(copied, file_of(copied, kind), [(f"byte {at}/{PLACES}", flip(at)) for at in range(PLACES)]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_cut_is_found(kind, copied):
    assert unseen(copied, file_of(copied, kind), [(f"{at} tenths", cut(at)) for at in range(10)]) == []


# --- what a run does with them ------------------------------------------------------------------------------------


def test_a_damaged_file_of_kept_answers_is_asked_again_and_said(copied, caplog):
    path = file_of(copied, "kept answers")
    kept = AnswerStore(copied, QUARTER).find("question 001", "summary")
    assert kept is not None
    whole = path.read_bytes()
    for at in range(PLACES):
        path.write_bytes(flip(at)(whole))
        caplog.clear()
        answer = AnswerStore(copied, QUARTER).find("question 001", "summary")
        assert (
            answer is None or answer.content == '{"label": "Freight 1", "summary": "Carriers ask for 1 dollars more."}'
        )
        assert answer is not None or str(path) in caplog.text
