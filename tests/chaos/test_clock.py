"""The clock of the machine jumps while the run goes on: locks, waits and files must not believe that hours went by.

A machine's clock cannot be set for a test, so the run's processes, Ray's included, are lied to by libfaketime (`apt
install libfaketime`, or its library in FTM_FAKETIME). Monotonic clocks tell the truth, as they do when a clock is set.
"""

import os
import re
import time
from pathlib import Path

import pytest
from scene import asked

LIBRARY = Path(
    os.environ.get("FTM_FAKETIME")
    or next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), "libfaketime.so.1 is not here")
)

pytestmark = pytest.mark.skipif(
    not LIBRARY.is_file(), reason="needs libfaketime: apt install libfaketime, or FTM_FAKETIME"
)


@pytest.mark.parametrize(
    ("jump", "words"),
    [("+7200", "2 hours ahead"), ("-90000", "25 hours back")],
    ids=["ahead", "back"],
)
def test_a_clock_that_jumps(case_of, calm, tmp_path, jump, words):
    case = case_of("unnamed", "clock", f"set {words} after 9 questions, and right again after 20")
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    case.environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"} | {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    process = case.start()
    try:
        for n, offset in ((9, jump), (20, "+0")):
            case.wait_for(process, asked(n))
            assert process.poll() is None, process.communicate()[0]
            clock.write_text(f"{offset}\n")
            case.struck()
            time.sleep(5.0)  # processes look at the file once a second
        output, _ = process.communicate(timeout=900)
    finally:
        process.kill()
    shown = {line[:2] for line in output.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)}  # hours
    assert len(shown) > 1, output  # the jump was seen: a run is over within minutes
    assert "Traceback" not in output, output
    assert process.returncode in (0, 4), output
    case.row.harm += "; the run outlasted it" if process.returncode == 0 else "; it ended with one sentence"
    case.finish()
    case.check(calm)
