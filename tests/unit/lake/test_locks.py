"""One run of a quarter at a time: who holds it is told, the dead lose it, the living keep it. On a disk and on S3."""

import csv
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from command import ftm, one_error_line
from invented import SUBJECTS
from s3_server import Fault

from ftm_ray.errors import SourceError
from ftm_ray.lake import locks
from ftm_ray.lake.locks import lock_holder, quarter_lock
from ftm_ray.lake.storage import Lake

QUARTER = "2024Q1"
PATH = Lake.lock_file(QUARTER)


@pytest.fixture(params=["local", "s3"])
def lake(request, tmp_path):
    """A lake of either kind."""
    if request.param == "local":
        return Lake(str(tmp_path))
    return Lake(request.getfixturevalue("s3").root(f"locks/{tmp_path.name}"))


def elsewhere(work="2024Q1-abc"):
    """A holder on another machine, of whose processes nothing can be known."""
    return replace(locks._myself(work), host="other-host", pid=4711)


def put(lake, holder):
    assert lake.write_mark(PATH, locks._content(holder), None)


def grown_old(monkeypatch):
    """Every lock was last refreshed too long ago."""
    monkeypatch.setattr(locks, "STALE_S", -1)


def test_a_lock_is_there_while_it_is_held_and_gone_afterwards(lake):
    with quarter_lock(lake, QUARTER, "2024Q1-abc") as lock:
        lock.check()
        content = lake.read_json(PATH)
        assert (content["work"], content["host"], content["pid"]) == ("2024Q1-abc", socket.gethostname(), os.getpid())
        assert content["since"] in lock_holder(lake, QUARTER)
    assert lake.read_mark(PATH) is None
    assert lock_holder(lake, QUARTER) is None


def test_an_error_releases_it_too(lake):
    with pytest.raises(KeyboardInterrupt), quarter_lock(lake, QUARTER, "work"):
        raise KeyboardInterrupt
    assert lake.read_mark(PATH) is None


def test_the_second_is_told_who_holds_it(lake):
    put(lake, elsewhere())
    with pytest.raises(SourceError) as raised, quarter_lock(lake, QUARTER, "mine", take=True):
        pass
    for part in (lake.full_path(PATH), "2024Q1-abc on other-host (process 4711, since 20", "alive", "--take-lock"):
        assert part in str(raised.value)
    assert lake.read_json(PATH)["host"] == "other-host"


def test_a_stale_lock_is_taken_with_the_flag_only(lake, monkeypatch):
    put(lake, elsewhere())
    grown_old(monkeypatch)
    with pytest.raises(SourceError, match="silent for 0 min; if it is dead, run again with --take-lock"):
        quarter_lock(lake, QUARTER, "mine").__enter__()
    with quarter_lock(lake, QUARTER, "mine", take=True):
        assert lake.read_json(PATH)["work"] == "mine"
    assert lake.read_mark(PATH) is None


def test_what_a_dead_process_of_this_machine_left_is_no_obstacle(lake):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    put(lake, replace(locks._myself("2024Q1-abc"), pid=gone.pid))
    assert lock_holder(lake, QUARTER) is None
    with quarter_lock(lake, QUARTER, "mine"):
        assert lake.read_json(PATH)["work"] == "mine"


def test_a_living_process_of_this_machine_keeps_it(lake):
    with quarter_lock(lake, QUARTER, "first"), pytest.raises(SourceError, match="first on "):
        quarter_lock(lake, QUARTER, "second").__enter__()


def test_a_lock_that_is_being_written_counts_as_held(lake):
    assert lake.write_mark(PATH, b"", None)
    with pytest.raises(SourceError, match="a run that is just starting"):
        quarter_lock(lake, QUARTER, "mine").__enter__()


def test_other_quarters_are_free(lake):
    with quarter_lock(lake, QUARTER, "one"), quarter_lock(lake, "2024Q2", "two"):
        assert lake.list_files("locks") == ["quarter=2024Q1.json", "quarter=2024Q2.json"]


def wait_until(true):
    deadline = time.time() + 10
    while not true() and time.time() < deadline:
        time.sleep(0.02)
    assert true()


def test_a_held_lock_stays_young(lake, monkeypatch):
    monkeypatch.setattr(locks, "REFRESH_S", 0.05)
    with quarter_lock(lake, QUARTER, "work") as lock:
        writes = []
        write = lake.write_mark
        lake.write_mark = lambda *arguments: writes.append(1) or write(*arguments)
        wait_until(lambda: len(writes) >= 3)
        lock.check()
        assert lake.read_mark(PATH).age_s < 5


def test_after_a_sleep_the_lock_itself_is_asked(lake, monkeypatch):
    """The thread that refreshes has not woken up yet; what was taken over meanwhile is not ours."""
    with quarter_lock(lake, QUARTER, "old") as lock:
        lock._refreshed_at -= locks.STALE_S + 1
        lock.check()  # nobody came
        lake.delete_file(PATH)
        lock._refreshed_at = time.time()
        lock.check()  # not asked: each question is a call to S3
        lock._refreshed_at -= locks.STALE_S + 1
        put(lake, elsewhere("new"))
        with pytest.raises(SourceError, match="taken over by new on other-host"):
            lock.check()


def test_another_machine_of_the_same_name_is_not_this_one(lake):
    """Its process is not here, which does not say that it is dead."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    myself = locks._myself("2024Q1-abc")
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() in myself.pid_space
    twin = replace(myself, pid=gone.pid, pid_space=f"another-boot {os.readlink('/proc/self/ns/pid')}")
    put(lake, twin)
    with pytest.raises(SourceError, match="2024Q1-abc on "):
        quarter_lock(lake, QUARTER, "mine").__enter__()


def test_without_proc_the_network_card_names_the_machine(monkeypatch):
    monkeypatch.setattr(locks, "Path", lambda _: Path("/nonexistent"))
    assert locks._pid_space() == f"{uuid.getnode():x}"


def test_a_lock_that_cannot_be_given_back_does_not_hide_the_real_error(lake, monkeypatch, caplog):
    def away(path):
        raise SourceError("the network is away")

    with pytest.raises(ValueError, match="the real one"), quarter_lock(lake, QUARTER, "work"):
        monkeypatch.setattr(lake, "delete_file", away)
        raise ValueError("the real one")
    assert "the lock could not be given back" in caplog.text
    assert "the network is away" in caplog.text


def test_who_was_silent_and_lost_it_is_told_and_leaves_the_new_lock_alone(lake, monkeypatch):
    monkeypatch.setattr(locks, "REFRESH_S", 0.05)
    with quarter_lock(lake, QUARTER, "old") as lock:
        lake.delete_file(PATH)
        put(lake, elsewhere("new"))
        wait_until(lambda: lock._lost)
        with pytest.raises(SourceError, match="taken over by new on other-host"):
            lock.check()
    assert lake.read_json(PATH)["work"] == "new"


def test_a_refresh_that_fails_is_tried_again(s3, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "REFRESH_S", 0.05)
    lake = Lake(s3.root(f"locks/{tmp_path.name}"))
    with quarter_lock(lake, QUARTER, "work") as lock:
        s3.faults.append(Fault("403 AccessDenied", "s3:PutObject", times=2))
        s3.calls.clear()
        wait_until(lambda: len([call for call in s3.calls if call.action == "s3:PutObject"]) > 4)
        lock.check()


def test_an_answer_that_is_lost_does_not_lock_us_out(s3, tmp_path):
    """The first PUT went through, but its answer was lost: the second finds a lock there, and it is ours."""
    s3.faults.append(Fault("unheard", "s3:PutObject"))
    lake = Lake(s3.root(f"locks/{tmp_path.name}"))
    with quarter_lock(lake, QUARTER, "work"):
        assert s3.faults[0].happened == 1
        assert lake.read_json(PATH)["work"] == "work"
    assert lake.read_mark(PATH) is None


def test_two_that_start_at_once_are_never_both_let_in(lake):
    """Four processes ask at the same moment; each notes when it held the lock, and no two of them overlap."""
    code = """
import json, sys, time
from ftm_ray.errors import SourceError
from ftm_ray.lake.locks import quarter_lock
from ftm_ray.lake.storage import Lake
lake = Lake(sys.argv[1])
time.sleep(max(0, float(sys.argv[2]) - time.time()))
try:
    with quarter_lock(lake, "2024Q1", "work"):
        began = time.time()
        time.sleep(0.3)
        print(json.dumps([began, time.time()]))
except SourceError:
    print("[]")
"""
    start = str(time.time() + 3)
    command = [sys.executable, "-c", code, lake.root, start]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    held = sorted(filter(None, (json.loads(process.communicate(timeout=60)[0]) for process in processes)))
    assert held
    assert all(end <= begin for (_, end), (begin, _) in zip(held, held[1:], strict=False))


# --- commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def calls(tmp_path):
    """A file of transcripts."""
    path = tmp_path / "calls.csv"
    spoken = {"A": SUBJECTS["freight"] + SUBJECTS["hiring"], "B": SUBJECTS["credit"] + SUBJECTS["software"]}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticker", "date", "text"])
        writer.writerows([firm, "2024-02-06", " ".join(texts)] for firm, texts in spoken.items())
    return path


def test_commands_respect_the_lock_and_status_shows_it(tmp_path, calls, monkeypatch):
    lake = Lake(str(tmp_path / "lake"))
    prefetch = ("prefetch", QUARTER, "--path", calls, "--root", lake.root)
    put(lake, elsewhere("prefetch"))
    refused = ftm(*prefetch)
    assert refused.exit_code == 4
    assert "prefetch on other-host" in one_error_line(refused)
    grown_old(monkeypatch)
    assert "--take-lock" in one_error_line(ftm(*prefetch))
    assert ftm(*prefetch, "--take-lock").exit_code == 0
    assert lake.list_files("locks") == []

    monkeypatch.undo()
    put(lake, elsewhere())
    refused = ftm("run", QUARTER, "--root", lake.root, "--llm", "none", "--take-lock")
    assert refused.exit_code == 4
    assert "2024Q1-abc on other-host" in one_error_line(refused)
    assert (
        "at work on it now: 2024Q1-abc on other-host" in ftm("status", QUARTER, "--root", lake.root, columns=200).stdout
    )
    lake.delete_file(PATH)
    assert "at work" not in ftm("status", QUARTER, "--root", lake.root).stdout
