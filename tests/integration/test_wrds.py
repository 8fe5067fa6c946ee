"""A quarter of 500 firms from a real PostgreSQL, killed at random moments; and a second factor that does not answer."""

import hashlib
import multiprocessing
import os
import pty
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from command import FTM, start_ftm
from prefetch_child import prefetch
from standin import QUARTER, Seed, seed_quarter

from ftm_ray.errors import SourceError
from ftm_ray.sources.wrds.calls import SCHEMAS

N_FIRMS, TURNS_PER_CALL = 500, 24
FIRMS_PER_PART = 50  # so that 500 firms have ten checkpoints of each kind, as a real quarter has 25
N_PARTS = N_FIRMS // FIRMS_PER_PART
N_LAKES, KILLS_PER_LAKE = 4, 5
ARGUMENTS = ["prefetch", QUARTER, "--from", "wrds"]

#: Children are forked from a process that has imported everything, so that they can be killed at work, not at imports.
forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(["ftm_ray.cli.main", "ftm_ray.cli.launch.wrds", "ftm_ray.sources.wrds.database"])


def start(root: Path, standin) -> multiprocessing.Process:
    process = forkserver.Process(target=prefetch, args=(str(root), standin.environment, FIRMS_PER_PART))
    process.start()
    return process


@pytest.fixture(scope="module")
def quarter(wrds_server):
    """500 linked firms; every statement goes to the server's log."""
    Seed().write(wrds_server, replace=True)
    seed_quarter(wrds_server, N_FIRMS, TURNS_PER_CALL, n_sentences=1)
    wrds_server.execute("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")
    yield wrds_server
    wrds_server.execute("ALTER SYSTEM RESET log_statement", "SELECT pg_reload_conf()")


def lake_bytes(root: Path) -> dict[str, str]:
    """Digest of every finished file. What a killed process was writing is hidden, and is not there for any reader."""
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in finished_files(root)}


def finished_files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if not path.name.startswith(".") and path.is_file())


def parts_asked(standin, since: int) -> Counter:
    """How often the text of each part was asked for, by its parameters in the server's log."""
    lines = (standin.hba.parent / "log").read_text(encoding="utf-8", errors="replace")[since:].splitlines()
    asked = [number for number, line in enumerate(lines) if 'DECLARE "ftm_turns"' in line]
    details = (next(line for line in lines[number:] if "DETAIL:" in line) for number in asked)
    return Counter(line.partition("DETAIL:")[2] for line in details)


def log_length(standin) -> int:
    return len((standin.hba.parent / "log").read_text(encoding="utf-8", errors="replace"))


def test_killed_at_twenty_random_moments_it_ends_with_the_same_bytes(quarter, tmp_path):
    calm, since = tmp_path / "calm", log_length(quarter)
    whole = start(calm, quarter)
    whole.join()
    assert whole.exitcode == 0
    expected, parts = lake_bytes(calm), parts_asked(quarter, since)
    assert len(parts) == N_PARTS
    assert set(parts.values()) == {1}

    moments = random.Random(7)
    n_killed_fetching = 0
    for number in range(N_LAKES):
        root, since = tmp_path / str(number), log_length(quarter)
        for n_files in sorted(moments.sample(range(3 * N_PARTS), KILLS_PER_LAKE)):
            kill(start(root, quarter), root, n_files, moments.uniform(0, 0.03))
            left = lake_bytes(root) if root.exists() else {}
            n_killed_fetching += sum("turns_" in name for name in left) < N_PARTS
            passing = ("plan.json", "coverage/", "locks/")  # there while the store is made
            assert all(expected[name] == left[name] for name in left if not any(part in name for part in passing))
        finished = start(root, quarter)
        finished.join()
        assert finished.exitcode == 0
        assert lake_bytes(root) == expected
        asked = parts_asked(quarter, since)
        assert len(asked) == N_PARTS
        assert asked.total() <= N_PARTS + KILLS_PER_LAKE  # at most the one at which it was killed, each time
    assert n_killed_fetching >= 4  # else the moments say nothing about fetching


def kill(process, root: Path, n_files: int, wait_s: float) -> None:
    """Kill a process a little after so many files are there: random in its work, whatever the machine's speed."""
    while process.is_alive() and (not root.exists() or len(finished_files(root)) < n_files):
        time.sleep(0.001)
    time.sleep(wait_s)
    process.kill()
    process.join()


def test_ctrl_c_keeps_what_is_done(quarter, tmp_path):
    process = start_ftm(*ARGUMENTS, "--root", tmp_path, environment={**os.environ, **quarter.environment})
    while not list(tmp_path.glob("prefetch/wrds/*/turns_0000.parquet")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "the same command goes on" in output
    assert "Traceback" not in output
    assert list(tmp_path.glob("prefetch/wrds/*/turns_0000.parquet"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_user_and_password_are_asked_for_in_a_terminal_and_not_shown(quarter, tmp_path):
    quarter.execute(
        "DROP ROLE IF EXISTS jroe", "CREATE ROLE jroe LOGIN PASSWORD 'correct-horse'", "GRANT postgres TO jroe"
    )
    with quarter.login_rule("local all jroe scram-sha-256"):
        pid, terminal = pty.fork()
        if pid == 0:
            unset = ("PGUSER", "PGPASSWORD")
            environment = {name: value for name, value in os.environ.items() if name not in unset}
            environment |= {"PGHOST": quarter.host, "PGDATABASE": "postgres", "PGPASSFILE": "/nonexistent"}
            os.execvpe(FTM[0], [*FTM, *ARGUMENTS, "--root", str(tmp_path), "--dry-run"], environment)
        shown = ""
        answers = [("user name: ", "jroe\n"), ("password: ", "correct-horse\n")]
        while chunk := read_terminal(terminal):
            shown += chunk
            if answers and shown.rstrip(" ").endswith(answers[0][0].rstrip()):
                os.write(terminal, answers.pop(0)[1].encode())
        _, status = os.waitpid(pid, 0)
    quarter.execute("DROP ROLE jroe")
    assert status == 0, shown
    assert "WRDS lists 500 calls" in shown
    assert "correct-horse" not in shown


def read_terminal(terminal: int) -> str:
    try:
        return os.read(terminal, 4096).decode()
    except OSError:  # Linux says so when the other side is closed
        return ""


# --- the second factor ---------------------------------------------------------------------------------------------


@pytest.fixture
def second_factor(wrds_server, monkeypatch):
    """A user whose login the server has to ask elsewhere (RADIUS), where nobody answers; it refuses after 3 s."""
    for name, value in wrds_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGPASSWORD", "correct-horse-battery")
    wrds_server.execute("DROP ROLE IF EXISTS duo", "CREATE ROLE duo LOGIN")
    with wrds_server.login_rule('local all duo radius radiusservers="127.0.0.1" radiussecrets="s" radiusports="9"'):
        yield "duo"
    wrds_server.execute("DROP ROLE duo")


def login_error(user: str) -> str:
    from ftm_ray.sources.wrds.database import connect

    with pytest.raises(SourceError) as caught:
        connect(user, SCHEMAS, None)
    return str(caught.value)


def test_a_denied_push_is_a_refused_login_and_not_tried_again(second_factor, wrds_server):
    since = log_length(wrds_server)
    assert "or the Duo push was denied or not answered" in login_error(second_factor)
    log = (wrds_server.hba.parent / "log").read_text(encoding="utf-8", errors="replace")[since:]
    assert log.count("RADIUS authentication failed") == 1


def test_a_push_that_nobody_answers_ends_after_the_time_limit(second_factor, monkeypatch):
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    assert "did not finish the login within 2 s; was the Duo push on your phone approved?" in login_error(second_factor)
