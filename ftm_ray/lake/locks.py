"""One run of a quarter at a time: a small file `locks/quarter=2023Q1.json` says who works on it.

It is made only where none is (O_EXCL on a disk, a conditional PUT on S3), written again every half minute so that
others see that its owner lives, and deleted at the end. What a killed run leaves behind is taken over without a word
on the same machine, where its process can be looked for; elsewhere a person must say so (`--take-lock`), and only once
the lock is old. Parts are whole or absent and equal whoever makes them, so the lock saves work and keeps publications
apart; no data hangs on it.
"""

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ftm_ray.errors import FtmError, SourceError
from ftm_ray.lake.local_files import Mark
from ftm_ray.lake.storage import Lake

logger = logging.getLogger(__name__)

#: A lock that was not refreshed for this long has no living owner: six refreshes were missed.
STALE_S = 180
REFRESH_S = 30


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. `token` tells two holders apart that are alike in all else."""

    work: str  # the run's id, or 'prefetch'
    host: str
    pid: int
    pid_space: str  # where the number holds; hosts may share a name, but not their numbers of processes
    since: str
    token: str

    def __str__(self) -> str:
        return f"{self.work} on {self.host} (process {self.pid}, since {self.since})"

    def is_dead(self) -> bool:
        """Whether it was a process of this machine that is gone. False where that cannot be known."""
        if (self.host, self.pid_space) != (socket.gethostname(), _pid_space()):
            return False
        try:
            os.kill(self.pid, 0)  # signal 0 only asks
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


class QuarterLock:
    """A lock that this process holds, refreshed by a thread of its own until it is released."""

    def __init__(self, lake: Lake, path: str, holder: Holder, version: str) -> None:
        self._lake, self._path, self._version = lake, path, version
        self._content = _content(holder)
        self._lost = False
        self._refreshed_at = time.time()  # not monotonic: that one stands still while a machine sleeps
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._refresh, daemon=True, name="quarter-lock")
        self._thread.start()

    def check(self) -> None:
        """Return if the lock is still ours.

        Raises:
            SourceError: This process was silent for so long that somebody took it over.
        """
        if self._lost or time.time() - self._refreshed_at > STALE_S:
            # Silent for too long (the machine slept, or the storage was away): only the lock itself knows whose it is.
            found = self._lake.read_mark(self._path)
            if found is not None and found.content == self._content:
                return
            by = _holder(found) if found else None
            raise SourceError(
                f"the lock {self._lake.full_path(self._path)} was taken over by {by or 'another run'}; this one stops "
                "and leaves the quarter to it"
            )

    def release(self) -> None:
        """Stop refreshing, and delete the lock if it is still ours."""
        self._ended.set()
        self._thread.join()
        found = self._lake.read_mark(self._path)
        if found is not None and found.content == self._content:
            self._lake.delete_file(self._path)

    def _refresh(self) -> None:
        while not self._ended.wait(REFRESH_S):
            try:
                version = _write(self._lake, self._path, self._content, self._version)
            except FtmError as error:
                logger.warning("the lock could not be refreshed, trying again in %s s: %s", REFRESH_S, error)
                continue
            if version is None:
                self._lost = True
                return
            self._version, self._refreshed_at = version, time.time()


@contextmanager
def quarter_lock(lake: Lake, quarter: str, work: str, take: bool = False) -> Iterator[QuarterLock]:
    """Hold the lock of a quarter.

    Args:
        lake: Where the quarter lies.
        quarter: Such as 2023Q1.
        work: What is done under it, for others to read: the run's id, or 'prefetch'.
        take: Take a lock over whose owner was silent for `STALE_S`.

    Raises:
        SourceError: Somebody else holds it.
    """
    path, holder = lake.lock_file(quarter), _myself(work)
    found = lake.read_mark(path)
    if found is not None:
        _check_free(lake, path, found, take)
    version = _write(lake, path, _content(holder), found.version if found else None)
    if version is None:
        by = lake.read_mark(path)
        raise SourceError(_held(lake, path, _holder(by) if by else None, "took it this moment") + "; wait for it")
    lock = QuarterLock(lake, path, holder, version)
    try:
        yield lock
    finally:
        try:
            lock.release()
        except FtmError as error:  # what went wrong before, or went well, is what counts
            logger.warning(
                "the lock could not be given back; this machine takes it over without a word, others with --take-lock "
                "after %d s: %s",
                STALE_S,
                error,
            )


def lock_holder(lake: Lake, quarter: str) -> str | None:
    """Who works on a quarter at the moment, in words; None if nobody does, or its lock is stale."""
    found = lake.read_mark(lake.lock_file(quarter))
    if found is None or found.age_s > STALE_S:
        return None
    holder = _holder(found)
    return None if holder and holder.is_dead() else str(holder or "a run that is just starting")


def _check_free(lake: Lake, path: str, found: Mark, take: bool) -> None:
    """Whether a lock that lies there may be taken."""
    holder = _holder(found)
    if holder is not None and holder.is_dead():
        logger.info("the lock of %s was left behind by a process that is gone", holder)
        return
    if found.age_s <= STALE_S:
        alive = f"was alive {found.age_s:.0f} s ago"
        advice = f"wait for it, or stop it; --take-lock takes over what was silent for {STALE_S} s"
        raise SourceError(f"{_held(lake, path, holder, alive)}; {advice}")
    if not take:
        silent = f"was silent for {found.age_s / 60:.0f} min"
        raise SourceError(f"{_held(lake, path, holder, silent)}; if it is dead, run again with --take-lock")
    logger.warning("taking over the lock of %s, silent for %.0f s", holder or "an unknown run", found.age_s)


def _held(lake: Lake, path: str, holder: Holder | None, state: str) -> str:
    return f"the quarter is locked ({lake.full_path(path)}): {holder or 'a run that is just starting'} {state}"


def _write(lake: Lake, path: str, content: bytes, replaces: str | None) -> str | None:
    """Write the lock under its condition. On a shaky network a first try may have gone through unheard: then a later
    one finds our own lock there, which is as good."""
    version = lake.write_mark(path, content, replaces)
    if version is not None:
        return version
    found = lake.read_mark(path)
    return found.version if found is not None and found.content == content else None


def _myself(work: str) -> Holder:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Holder(work, socket.gethostname(), os.getpid(), _pid_space(), since, uuid.uuid4().hex)


def _pid_space() -> str:
    """Where our process numbers hold: this start of this machine, and on it our container.

    The host's name is not enough: containers and copies of a machine may share it, and the pid namespace alone reads
    the same on every Linux machine. After a reboot the lock of before looks like another machine's: --take-lock.
    """
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    try:
        return f"{boot.read_text(encoding='ascii').strip()} {namespace.readlink()}"
    except OSError:  # no Linux
        return f"{uuid.getnode():x}"


def _content(holder: Holder) -> bytes:
    return json.dumps(asdict(holder), indent=1).encode()


def _holder(mark: Mark) -> Holder | None:
    """Who wrote a lock; None if it is not readable (one that is written at this moment is still empty)."""
    try:
        return Holder(**json.loads(mark.content))
    except (ValueError, TypeError):
        return None
