"""Progress as a job's log and a terminal show it."""

import io
import logging

import pytest
from rich.console import Console

from ftm_ray.cli.progress import Step, duration, shown_progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = {"s": 1000.0}
    monkeypatch.setattr("ftm_ray.cli.progress.time.monotonic", lambda: now["s"])
    return now


@pytest.fixture
def lines(caplog):
    """The lines of a job's log so far."""
    caplog.set_level(logging.INFO, logger="ftm_ray")
    return lambda: [record.getMessage() for record in caplog.records]


def sentences(done):
    return Step("firm topics", done, 10_000, "sentences", f"{done // 100} topics")


def test_a_log_says_begin_and_end_of_a_stage_and_little_between(clock, lines):
    with shown_progress(Console(file=io.StringIO())) as show:
        show(Step("start", 0, 1, "", "starting Ray"))
        for done in range(0, 10_001, 100):
            clock["s"] += 1.0
            show(sentences(done))
    logged = lines()
    assert logged[0] == "start: starting Ray"
    assert logged[1] == "firm topics: 10,000 sentences; 0 topics"
    assert logged[-1].startswith("firm topics: 10,000 of 10,000 sentences")
    assert len(logged) == 2 + 10  # a hundred seconds give ten lines, the last one among them


def test_speed_and_time_left_count_from_the_first_result(clock, lines):
    with shown_progress(Console(file=io.StringIO())) as show:
        show(sentences(5_000))  # done by an earlier run
        clock["s"] += 60.0  # workers start
        show(sentences(6_000))
        clock["s"] += 20.0
        show(sentences(8_000))
    assert "100 sentences/s, 20 s left" in lines()[-1]


def test_a_terminal_shows_bars(clock):
    screen = io.StringIO()
    with shown_progress(Console(file=screen, force_terminal=True, width=100)) as show:
        show(sentences(0))
        clock["s"] += 5
        show(sentences(10_000))
        show(Step("themes", 0, 1, "", "clustering the topics of all firms"))
    assert "firm topics" in screen.getvalue()
    assert "clustering the topics" in screen.getvalue()


@pytest.mark.parametrize(("seconds", "words"), [(41.2, "41 s"), (200, "3 min"), (4800, "1 h 20 min")])
def test_durations_read_as_people_say_them(seconds, words):
    assert duration(seconds) == words
