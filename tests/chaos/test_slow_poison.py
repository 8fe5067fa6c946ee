"""A firm whose text makes its process raise, crash, run out of memory or hang fails alone, with its reason."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.compute as pc
import pytest
from command import ftm
from poisoned_run import HARM
from sample import QUARTER, SAMPLE

from ftm_ray.lake.storage import Lake
from ftm_ray.sources.manifest import read_manifest_json

KIND = "slow poison"
TESTS = Path(__file__).parents[1]

#: Long enough for any firm of the sample, and for what numba compiles on the way, on a busy machine.
LIMIT_S = 40

REASONS = {
    "poison-raise": "RecursionError: planted",
    "poison-segfault": "its process ended while it was worked on, 2 times",
    "poison-memory": "its process ended while it was worked on, 2 times",
    "poison-hang": f"it took longer than {LIMIT_S} s (cluster.firm_limit_s)",
}


def poisonous_calls(poisons):
    """Calls of the sample's next quarter as other firms' of this one, with a word in the middle that does harm."""
    lines = [line for path in sorted(SAMPLE.glob("*2024Q2.jsonl")) for line in path.read_text().splitlines()]
    spoken = [json.loads(line) for line in lines]
    sources = sorted({turn["firm_id"] for turn in spoken})
    for word, source in zip(poisons, sources, strict=False):
        turns = [turn for turn in spoken if turn["firm_id"] == source]
        for number, turn in enumerate(turns):
            firm_id = firm_of(word)
            text = f"{turn['text']} We call it {word} around here." if number == len(turns) // 2 else turn["text"]
            about = {"firm_id": firm_id, "firm_name": f"{firm_id} Inc", "transcript_id": f"{firm_id}-{QUARTER}"}
            yield turn | about | {"call_date": "2024-02-14", "text": text}


def firm_of(word):
    """In the middle of the alphabet, between firms that do no harm."""
    return f"H{word.removeprefix('poison-').upper()}"


def prefetched(root, folder, poisons):
    """The sample with one more firm for each poison."""
    calls = list(poisonous_calls(poisons))
    paths = ["--path", str(SAMPLE / f"*{QUARTER}.jsonl")]
    if calls:
        folder.mkdir()
        (folder / "poison.jsonl").write_text("".join(json.dumps(call) + "\n" for call in calls))
        paths += ["--path", str(folder / "poison.jsonl")]
    done = ftm("prefetch", QUARTER, "--from", "files", *paths, "--root", str(root))
    assert done.exit_code == 0, done.output
    assert len(read_manifest_json(Lake(str(root)), QUARTER)["firms"]) >= 12 + len(poisons)


def run(root, settings):
    environment = os.environ | {"PYTHONPATH": f"{TESTS / 'chaos'}:{TESTS / 'integration'}:{TESTS}"}
    environment.pop("RAY_ADDRESS", None)
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(TESTS / "chaos" / "poisoned_run.py"), str(root), str(settings)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return round(time.monotonic() - begin, 1)


def rows(lake, table):
    found = lake.read_folder(lake.table_dir(table, QUARTER))
    return found.drop_columns([name for name in found.column_names if name == "run_id" or name.endswith("_s")])


@pytest.mark.parametrize("poisons", [pytest.param(("poison-segfault",), marks=pytest.mark.fast), tuple(HARM)], ids=len)
def test_only_the_poisonous_firms_fail(tmp_path, row, poisons):
    row.kind, row.harm = KIND, ", ".join(f"a firm whose text does: {word.removeprefix('poison-')}" for word in poisons)
    settings = tmp_path / "run.toml"
    # No PERMNO is linked here, as it is beside the point; themes depend on all firms, so topics are compared.
    settings.write_text(
        "workers = 1\nkeep_unlinked = true\n[llm]\nendpoint = 'none'\n[gates]\nmax_failed_ratio = 0.5\n"
        f"[cluster]\nfirm_limit_s = {LIMIT_S}\n"
    )
    calm, poisoned = Lake(str(tmp_path / "calm")), Lake(str(tmp_path / "poisoned"))
    prefetched(calm.root, tmp_path / "none", ())
    prefetched(poisoned.root, tmp_path / "poison", poisons)
    run(calm.root, settings)
    row.recover_s = run(poisoned.root, settings)
    row.blows = len(poisons)
    firms = {firm["firm_id"]: firm for firm in rows(poisoned, "firms").to_pylist()}
    failed = {firm_of(word): REASONS[word] for word in poisons}
    assert {name for name, firm in firms.items() if firm["status"] == "failed"} == set(failed)
    for name, reason in failed.items():
        assert reason in firms[name]["reason"]
    others = {firm["firm_id"]: firm for firm in rows(calm, "firms").to_pylist()}
    row.firms_lost = len(set(others) - set(firms))
    row.firms_twice = rows(poisoned, "firms").num_rows - len(firms)
    assert (row.firms_lost, row.firms_twice) == (0, 0)
    topics, of_calm = rows(poisoned, "topics"), rows(calm, "topics")
    row.same_bytes = topics.filter(pc.is_in(topics["firm_id"], of_calm["firm_id"])).equals(of_calm)
    assert row.same_bytes
    assert ftm("verify", QUARTER, "--root", poisoned.root).exit_code == 0
