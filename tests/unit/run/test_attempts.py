"""A firm that takes its process with it is found, whatever it does; processes here are real and really die."""

import subprocess
import sys
import time
from contextlib import nullcontext

from invented import SENTENCES, firm, prefetch_table

from ftm_ray.run.attempts import Attempts, FirmWatch

FIRMS = ("A", "B", "C")


class Died(Exception):
    """The process that did a batch is gone."""


def one_process(attempts, harmful, batch=7):
    """What an actor does with a batch until it dies; what became of each firm."""
    watch, became = FirmWatch(attempts, batch, limit_s=60.0), {}
    for firm_id in FIRMS:
        with watch(firm_id) as reason:
            if reason is None and firm_id in harmful:
                raise Died
            became[firm_id] = reason
    attempts.end_batch(batch)
    return became


def until_it_ends(attempts, harmful):
    """Ray starts the actor again, and the batch; (how often it died, what became of each firm)."""
    for n_died in range(20):
        try:
            return n_died, one_process(attempts, harmful)
        except Died:
            continue
    raise AssertionError("it never ends")


def test_a_calm_batch_is_done_without_care():
    attempts = Attempts(60.0)
    assert until_it_ends(attempts, harmful=()) == (0, dict.fromkeys(FIRMS))
    assert [attempts.begin_batch(7), attempts.begin_batch(8)] == [False, False]


def test_the_firm_that_kills_its_process_fails_alone():
    n_died, became = until_it_ends(Attempts(60.0), harmful={"B"})
    assert n_died == 4  # twice without care, twice with
    assert (became["A"], became["C"]) == (None, None)
    assert "its process ended while it was worked on, 2 times" in became["B"]


def test_two_of_them_in_one_batch_are_both_found():
    n_died, became = until_it_ends(Attempts(60.0), harmful={"A", "C"})
    assert n_died == 6
    assert became["B"] is None and became["A"] and became["C"]


def test_two_deaths_that_no_firm_caused_brand_nobody():
    attempts = Attempts(60.0)
    for _ in range(2):
        attempts.begin_batch(7)
    assert one_process(attempts, harmful=()) == dict.fromkeys(FIRMS)


def test_a_batch_whose_part_is_lost_after_it_ended_begins_as_if_for_the_first_time():
    attempts = Attempts(60.0)
    for _ in range(5):
        one_process(attempts, harmful=())
    assert attempts.begin_batch(7) is False


def test_a_firm_that_takes_too_long_is_said_to_have_done_so():
    attempts = Attempts(limit_s=0.02)
    for _ in range(2):
        assert attempts.begin_firm("A") is None
        time.sleep(0.03)
    assert "took longer than 0.02 s (cluster.firm_limit_s), twice" in attempts.begin_firm("A")


#: Python's lock is held by a regular expression that takes years: no thread of Python's gets a turn.
HANGS = """
import re, sys
from ftm_ray.run.attempts import Attempts, FirmWatch
with FirmWatch(Attempts(0.5), 7, 0.5)("A"):
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
    watch = FirmWatch(Attempts(0.2), 7, 0.2)
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
