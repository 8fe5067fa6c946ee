"""The clock jumps while a run goes on: forward by a day, back by two, as after a wrong time server.

libfaketime gives a process, and all that it starts, another time of day; what measures how long something takes
(CLOCK_MONOTONIC) goes on. Debian's package of that name has the library; FTM_FAKETIME says where else it is.
"""

import os
from pathlib import Path

import pytest
from scene import Case, asked

LIBRARY = Path(os.environ.get("FTM_FAKETIME", "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"))

pytestmark = pytest.mark.skipif(
    not LIBRARY.is_file(), reason=f"no libfaketime at {LIBRARY} (FTM_FAKETIME says where it is)"
)

KIND = "clock jumps"


class Clock:
    """The time of day of a command and of all that it starts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",  # it looks into the file each time
            "DONT_FAKE_MONOTONIC": "1",
        }
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """So many seconds ahead of the true time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{ahead_s:+d}\n")
        fresh.replace(self._file)  # no process sees half a number


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


@pytest.mark.parametrize(
    ("jumps", "words"),
    [((86_400,), "a day forward"), ((-172_800,), "two days back"), ((86_400, -86_400), "a day forward, then two back")],
    ids=["forward", "back", "both"],
)
def test_while_topics_are_named(case_of, calm, clock, jumps, words):
    """With a Ray of its own, whose processes have the same clock."""
    case: Case = case_of("unnamed", KIND, f"{words}, while topics are named")
    case.environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"} | clock.environment
    process = case.start()
    for number, ahead_s in enumerate(jumps, start=1):
        case.wait_for(process, asked(9 * number))
        assert process.poll() is None, process.communicate()[0]
        clock.set(ahead_s)
        case.struck()
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0, output
    case.check(calm)
    assert case.row.under_way == 0  # nobody died, so nothing is asked again
