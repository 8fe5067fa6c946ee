"""`ftm run-quarters`: one quarter that fails does not stop the others; the same command does what is left."""

import json
import logging
import time
from pathlib import Path

from command import ftm
from processes import titled
from sample import QUARTER, prefetch_sample, published_bytes

import ftm_ray
from ftm_ray.run.attempts import FirmAttempts

QUARTERS = "2023Q4,2024Q1..2024Q2"  # the sample has no call in the first


def left_of(name: str, within_s: float) -> int:
    """How many actors of this name are there still after so long; they end a moment after nobody holds them."""
    deadline = time.monotonic() + within_s
    while True:
        n = len(titled(f"ray::{name}"))
        if n == 0 or time.monotonic() > deadline:
            return n
        time.sleep(0.5)


def test_a_quarter_that_fails_does_not_stop_the_others(lake, tmp_path):
    mine = prefetch_sample(tmp_path)
    prefetch_sample(tmp_path, quarter="2024Q2")
    arguments = ("run-quarters", QUARTERS, "--root", mine.root, "--llm", "none", "--lineage")

    first = ftm(*arguments, "--json")
    assert first.exit_code == 4, first.stderr
    rows = json.loads(first.stdout)
    assert [(row["quarter"], row["status"], row["exit"]) for row in rows] == [
        ("2023Q4", "failed", 4),
        ("2024Q1", "published", 0),
        ("2024Q2", "published", 0),
    ]
    assert "no transcripts of 2023Q4" in rows[0]["reason"]
    assert rows[1]["firms"] >= 10
    assert rows[2]["themes"] >= 1
    assert not logging.getLogger("ray.data").isEnabledFor(logging.INFO)  # what it does stands in our words
    assert left_of(FirmAttempts.__name__, within_s=30) == 0  # what a quarter's map was written down in ends with it
    lineage = ftm_ray.open_results(mine.root).lineage.df()
    assert list(dict.fromkeys(lineage.quarter)) == [QUARTER, "2024Q2"]
    of_registry = ("/lineage/", "/attention/")
    mine_of_first = {
        path: digest
        for path, digest in published_bytes(mine).items()
        if QUARTER in path and not any(table in path for table in of_registry)
    }
    assert mine_of_first == {path: digest for path, digest in published_bytes(lake).items() if QUARTER in path}

    again = ftm(*arguments, columns=120)
    assert again.exit_code == 4
    assert again.stdout.count("was done") == 2
    assert "2023Q4: no transcripts of 2023Q4" in again.stdout
    assert not list(Path(mine.root).glob("locks/[!.]*"))
