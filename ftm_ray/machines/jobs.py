"""Jobs on a cluster: sent, found again, and followed to their end, with errors in one sentence."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftm_ray.errors import ConfigError, RetryableError

#: Ray gives a stopped job 3 s and then kills it: too short to give back a lock and a model on a busy head.
_STOP_WAIT_S = 60

_LOOK_S = 1.0

#: So long a connection to the head may be gone while a log is followed; the job does not mind.
_PATIENCE_S = 300.0

#: After so much silence the connection is made anew: a tunnel that died says nothing either.
_QUIET_S = 60.0

_LOUD = ("ray.dashboard.modules.job.sdk", "ray.dashboard.modules.dashboard_sdk", "ray._private.runtime_env.packaging")

_EXIT_SIGTERM = 143
_SIGNAL_OFFSET = 128  # as a shell says that a signal ended something

OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for.

    Attributes:
        quarters: What it works on, in order.
        root: ROOT, absolute or s3://bucket/prefix.
        entrypoint: Its command line; the driver starts in the folder that is sent.
    """

    quarters: tuple[str, ...]
    root: str
    entrypoint: str

    @property
    def name(self) -> str:
        """First part of its id."""
        return f"ftm-{'-'.join(dict.fromkeys((self.quarters[0], self.quarters[-1])))}"

    @property
    def metadata(self) -> dict[str, str]:
        """By which it is found again."""
        return {"ftm_root": self.root, "ftm_quarters": ",".join(self.quarters)}


class Cluster:
    """The cluster at a dashboard's address.

    Args:
        address: Such as http://127.0.0.1:8265.

    Raises:
        ConfigError: Nobody answers there, or the token is wrong or missing.
    """

    def __init__(self, address: str) -> None:
        from ray.job_submission import JobSubmissionClient

        for module in _LOUD:  # what is sent, and that a connection ended: a person is told in our words
            logging.getLogger(module).setLevel(logging.WARNING)
        self._address = address
        with cluster_errors(address):
            self._client = JobSubmissionClient(address)

    def living_job(self, quarters: Sequence[str], root: str) -> str | None:
        """The newest job that works on one of these quarters under this ROOT, or waits to; None if there is none."""
        living = [job for job in self._our_jobs(root) if not job.status.is_terminal() and _shares(job, quarters)]
        return max(living, key=lambda job: job.start_time or 0).submission_id if living else None

    def newest_job(self, quarters: Sequence[str], root: str) -> str | None:
        """The newest job on exactly these quarters under this ROOT, ended or not; None if there was none."""
        asked = ",".join(quarters)
        same = [job for job in self._our_jobs(root) if job.metadata["ftm_quarters"] == asked]
        return max(same, key=lambda job: job.start_time or 0).submission_id if same else None

    def submit(self, job: Job, folder: Path) -> str:
        """Send a job with its folder; returns its id, which says quarter and attempt.

        Raises:
            ConfigError: The cluster does not take it.
        """
        with cluster_errors(self._address):
            used = {found.submission_id or "" for found in self._client.list_jobs()}
            numbers = [int(one.rpartition("-")[2]) for one in used if _is_attempt(one, job.name)]
            return str(
                self._client.submit_job(
                    entrypoint=job.entrypoint,
                    submission_id=f"{job.name}-{max(numbers, default=0) + 1}",
                    runtime_env={
                        "working_dir": str(folder),
                        "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_WAIT_S)},
                    },
                    metadata=job.metadata,
                )
            )

    def follow(self, job: str, on_text: OnText) -> int:
        """Pass on a job's log until the job ends; returns its exit code.

        A connection that breaks is made again, and nothing is shown twice.

        Raises:
            RetryableError: The head was away for long, or the job's command never began.
        """
        seen = _Seen(on_text)
        lost_at: float | None = None
        while True:
            try:
                with cluster_errors(self._address):
                    asyncio.run(self._tail(job, seen))
                    details = self._client.get_job_info(job)
            except ConfigError as error:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > _PATIENCE_S:
                    raise RetryableError(f"{error}; job {job} may go on all the same") from error
            else:
                lost_at = None
                if details.status.is_terminal():
                    return exit_code(details)
            time.sleep(_LOOK_S)

    async def _tail(self, job: str, seen: "_Seen") -> None:
        seen.begin()
        log = self._client.tail_job_logs(job)
        try:
            while True:
                seen.take(await asyncio.wait_for(anext(log), _QUIET_S))
        except (StopAsyncIteration, TimeoutError):
            return

    def _our_jobs(self, root: str) -> list[Any]:
        with cluster_errors(self._address):
            jobs = self._client.list_jobs()
        told = [(job, job.metadata or {}) for job in jobs if job.submission_id]
        return [job for job, metadata in told if "ftm_quarters" in metadata and metadata["ftm_root"] == root]


class _Seen:
    """Passes on what was not passed on yet of a log that comes from its beginning after each new connection."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._n_shown = self._n_came = 0

    def begin(self) -> None:
        """A new connection."""
        self._n_came = 0

    def take(self, text: str) -> None:
        """The next piece of the log."""
        new = text[max(0, self._n_shown - self._n_came) :]
        self._n_came += len(text)
        if new:
            self._n_shown = self._n_came
            self._on_text(new)


def exit_code(details: Any) -> int:
    """The exit code of a job that ended: that of its command; 143 if it was stopped, as SIGTERM ends our commands.

    Args:
        details: Ray's JobDetails.

    Raises:
        RetryableError: The command never began, or its node went.
    """
    if details.status == "STOPPED":
        return _EXIT_SIGTERM
    code: int | None = details.driver_exit_code
    if code is None:
        reason = " ".join((details.message or "no reason is known").split())
        raise RetryableError(f"job {details.submission_id} ended before its command did: {reason[:300]}")
    return code if code >= 0 else _SIGNAL_OFFSET - code


@contextmanager
def cluster_errors(address: str) -> Iterator[None]:
    """What goes wrong between this machine and a head, in one sentence.

    Raises:
        ConfigError: Nobody answers, the token is wrong or missing, or the head refuses what it was asked.
    """
    from aiohttp import ClientError
    from ray.exceptions import AuthenticationError
    from requests import RequestException

    try:
        yield
    except AuthenticationError as error:
        raise ConfigError(
            f"{address} refuses this machine's token: set RAY_AUTH_MODE=token, and use the ~/.ray/auth_token with "
            "which `ray up` was run"
        ) from error
    except (ConnectionError, RuntimeError, ValueError, RequestException, ClientError) as error:
        raise ConfigError(f"{address} cannot be asked: {' '.join(str(error).split())[:200]}") from error


def _is_attempt(submission_id: str, name: str) -> bool:
    head, _, number = submission_id.rpartition("-")
    return head == name and number.isdecimal()


def _shares(job: Any, quarters: Sequence[str]) -> bool:
    metadata: Mapping[str, str] = job.metadata
    return bool(set(metadata["ftm_quarters"].split(",")) & set(quarters))
