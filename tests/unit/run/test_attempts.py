"""A firm that takes its process with it is found, whatever it does; processes here are real and really die."""

import subprocess
import sys
import time
from contextlib import nullcontext

import pytest
from invented import SENTENCES, firm, prefetch_table

from ftm_ray.run.attempts import FirmAttempts, FirmWatch

FIRMS = ("A", "B", "C")


class Died(Exception):
    """The process that did a batch is gone."""


def one_process(attempts, harmful):
    """What an actor does with a batch until it dies; what became of each firm."""
    watch, became = FirmWatch(attempts, limit_s=60.0), {}
    for firm_id in FIRMS:
        with watch(firm_id) as reason:
            if reason is None and firm_id in harmful:
                raise Died
            became[firm_id] = reason
    return became


def until_it_ends(harmful):
    """Ray starts the actor again, and the batch; (how often it died, what became of each firm)."""
    attempts = FirmAttempts()
    for n_died in range(20):
        try:
            return n_died, one_process(attempts, harmful)
        except Died:
            continue
    raise AssertionError("it never ends")


def test_a_calm_batch_is_done_however_often_its_part_is_lost():
    attempts = FirmAttempts()
    for _ in range(5):
        assert one_process(attempts, harmful=()) == dict.fromkeys(FIRMS)


def test_the_firm_that_kills_its_process_fails_alone():
    n_died, became = until_it_ends(harmful={"B"})
    assert n_died == 2
    assert (became["A"], became["C"]) == (None, None)
    assert "its process ended while it was worked on, 2 times" in became["B"]
    assert "60 s (cluster.firm_limit_s)" in became["B"]


def test_two_of_them_in_one_batch_are_both_found():
    n_died, became = until_it_ends(harmful={"A", "C"})
    assert n_died == 4
    assert became["B"] is None and became["A"] and became["C"]


def test_a_death_that_no_firm_caused_brands_nobody():
    attempts = FirmAttempts()
    with pytest.raises(Died):
        one_process(attempts, harmful={"B"})  # a node that went away
    assert one_process(attempts, harmful=()) == dict.fromkeys(FIRMS)
    with pytest.raises(Died):
        one_process(attempts, harmful={"B"})  # and another one, after the firm had ended well
    assert one_process(attempts, harmful=()) == dict.fromkeys(FIRMS)


#: Python's lock is held by a regular expression that takes years: no thread of Python's gets a turn.
HANGS = """
import re, sys
from ftm_ray.run.attempts import FirmAttempts, FirmWatch
with FirmWatch(FirmAttempts(), 0.5)("A"):
    print("begun", flush=True)
    re.match("(a|a)*b", "a" * 64)
print("ended", flush=True)
"""


def test_a_process_ends_though_a_library_holds_pythons_lock():
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stdout == "begun\n"
    assert "Timeout" in done.stderr and "re/__init__.py" in done.stderr  # where it stood


def test_the_watch_of_one_firm_ends_with_it():
    watch = FirmWatch(FirmAttempts(), 0.2)
    for firm_id in FIRMS:
        with watch(firm_id):
            pass
    time.sleep(0.4)  # whoever left one running would be gone by now


def test_a_refused_firm_is_a_row_and_the_others_are_worked_on(finder):
    table = prefetch_table([firm("A", [SENTENCES[:20]]), firm("B", [SENTENCES[20:40]])])
    calm = finder.find(table).topics.to_pylist()

    def watch(firm_id):
        return nullcontext("took too long" if firm_id == "B" else None)

    a, b = finder.find(table, watch).topics.to_pylist()
    clocks = {"embed_s", "cluster_s"}
    assert {k: v for k, v in a.items() if k not in clocks} == {k: v for k, v in calm[0].items() if k not in clocks}
    assert (b["status"], b["reason"], b["topics"]) == ("failed", "took too long", [])
    assert b["n_sentences"] == 20 and set(b["drop_reasons"]) == {"failed"}
