"""SIGTERM (`ray job stop`, `docker stop`, Slurm) ends a command as Ctrl-C does: one sentence, nothing stays up."""

import signal
import threading
from types import FrameType

import click

EXIT_CTRL_C = 128 + signal.SIGINT
EXIT_SIGTERM = 128 + signal.SIGTERM

_received = False


def end_like_ctrl_c(context: click.Context) -> None:
    """From now until the command's end, SIGTERM interrupts the work as Ctrl-C does."""
    global _received
    _received = False
    if threading.current_thread() is threading.main_thread():  # elsewhere Python cannot listen to signals
        before = signal.signal(signal.SIGTERM, _interrupt)
        context.call_on_close(lambda: signal.signal(signal.SIGTERM, before))


def exit_of_interruption() -> int:
    """The exit code of a command that was interrupted: that of Ctrl-C, or of SIGTERM if it was that."""
    return EXIT_SIGTERM if _received else EXIT_CTRL_C


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    global _received
    if not _received:  # a second one must not interrupt the tidying up
        _received = True
        raise KeyboardInterrupt
