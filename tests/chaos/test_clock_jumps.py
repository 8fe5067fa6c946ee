"""The clock of a command is set, forward and back, while a run goes on: neither who holds the lock nor what is paid for
may hang on it. The machine's clock, by which files are dated, and those of Ray's processes stay."""

import signal
import sys
from pathlib import Path

from scene import asked

from ftm_ray.lake.locks import REFRESH_S

JUMPING = (sys.executable, str(Path(__file__).parent / "jumping_ftm.py"))

#: So slow that the lock is refreshed while the clock is ahead: 36 questions, four at once.
_ANSWER_S = 4.0


def test_while_topics_are_named(case_of, calm):
    case = case_of(
        "unnamed", "clock set", "a command's own: 3 hours on after 4 questions, 3 back after 40 and after 44"
    )
    case.llm.delay_s, usual = _ANSWER_S, case.llm.delay_s
    process = case.start(JUMPING)
    try:
        case.wait_for(process, asked(4))
        process.send_signal(signal.SIGUSR1)
        case.struck()
        (lock,) = case.root.glob("locks/[!.]*.json")
        before = lock.stat().st_mtime
        case.wait_for(process, asked(40))
        assert lock.stat().st_mtime > before, f"not refreshed, as it is each {REFRESH_S} s"
        for n in (40, 44):
            case.wait_for(process, asked(n))
            process.send_signal(signal.SIGUSR2)
            case.struck()
        output, _ = process.communicate(timeout=900)
    finally:
        process.kill()
        case.llm.delay_s = usual
    assert process.returncode == 0, output
    assert output.count("the clock says") == case.row.blows == 3
    case.check(calm)
    assert case.row.under_way == 0  # nothing died, so nothing was asked again


def test_a_lock_that_looks_old_to_a_clock_that_is_ahead_is_not_taken(case_of, calm):
    case = case_of("unnamed", "clock set", "a second command's own: 3 hours ahead; it is refused")
    first = case.start()
    try:
        case.wait_for(first, asked(1))
        second = case.start((*JUMPING, "--ahead"))
        case.struck()
        said, _ = second.communicate(timeout=120)
        output, _ = first.communicate(timeout=900)
    finally:
        first.kill()
    assert second.returncode == 4, said
    assert "silent for 1" in said and "--take-lock" in said and "Traceback" not in said, said
    assert first.returncode == 0, output
    case.check(calm)
