"""The clock is set, forward and back, while a run goes on: whose lock it is, and who lives, must not hang on it."""

import signal
import sys
from pathlib import Path

from scene import asked

JUMPING = (sys.executable, str(Path(__file__).parent / "jumping_ftm.py"))

#: So slow that the lock is refreshed (each half minute) on a clock that has jumped.
_ANSWER_S = 2.5


def test_while_topics_are_named(case_of, calm):
    case = case_of("unnamed", "clock set", "three hours on after 4 questions, three back each after 24 and 28")
    case.llm.delay_s, usual = _ANSWER_S, case.llm.delay_s
    process = case.start(JUMPING)
    for n, jump in ((4, signal.SIGUSR1), (24, signal.SIGUSR2), (28, signal.SIGUSR2)):
        case.wait_for(process, asked(n))
        process.send_signal(jump)
        case.struck()
    output, _ = process.communicate(timeout=900)
    case.llm.delay_s = usual
    assert process.returncode == 0, output
    assert output.count("the clock says") == case.row.blows == 3
    case.check(calm)
