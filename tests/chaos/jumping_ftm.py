"""`ftm` with a clock that jumps: at SIGUSR1 three hours on, at SIGUSR2 three hours back; --ahead: on at once.

A machine's clock is not a test's to move, so the clock of this process is: the threads that hold the lock, count and
wait live here. (libfaketime, which would take Ray's processes along, ends them by itself.) What is measured by
`time.monotonic` goes on, as it does where somebody sets a clock, and files bear the machine's time.
"""

import signal
import sys
import time

import time_machine

from ftm_ray.cli.main import main

_HOURS_S = 3 * 3600

_jumped: list[time_machine.travel] = []


def jump(signum: int, _frame: object) -> None:
    then = time.time() + (_HOURS_S if signum == signal.SIGUSR1 else -_HOURS_S)
    while _jumped:
        _jumped.pop().stop()
    _jumped.append(time_machine.travel(then, tick=True))
    _jumped[0].start()
    print(f"the clock says {time.ctime()}", flush=True)


if __name__ == "__main__":
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, jump)
    if sys.argv[1] == "--ahead":
        del sys.argv[1]
        jump(signal.SIGUSR1, None)
    main()
