"""Every fault that is planted in a lake is found: in rows, though the hashes agree, and in bytes, wherever they lie."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from invented import QUARTER
from long_mode import FUZZ_INPUTS
from planted_faults import ROW_FAULTS, path_of
from whole_quarter import write_whole_quarter

from ftm_ray.errors import FtmError, SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.results.verify.quarter import verify_quarter

#: So many places of each file are damaged, one after another.
PLACES = 50 if FUZZ_INPUTS else 12


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
