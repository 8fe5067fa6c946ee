"""What a run on a cluster waits for, and since when: nodes that the cloud does not give, a model that moves.

A thread of the driver looks every few seconds at what `ray status` shows, with the cloud's own words for what it
refuses. It tells the person in the run's progress, and others through a small file beside the quarter's lock, which
`ftm status` reads. Embedded Ray has no nodes to wait for.
"""

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
from ray.autoscaler.v2.schema import ClusterStatus
from ray.autoscaler.v2.sdk import get_cluster_status
from ray.exceptions import RayError

from ftm_ray.errors import FtmError
from ftm_ray.lake.storage import Lake
from ftm_ray.lake.waits import RunWait, forget_wait, note_wait
from ftm_ray.run.progress import OnProgress, Progress
from ftm_ray.serving.serve_state import find_application, n_ready_replicas

logger = logging.getLogger(__name__)

_LOOK_S = 5.0

#: A look that is under way at the end is not waited for: who stops a job soon ends it the hard way.
_END_S = 1.0

#: A refusal that is older than this was followed by a node, or by others.
_REFUSAL_COUNTS_S = 120.0

_REASON_CHARACTERS = 200

#: Such as "2026-11-25 22:38:11,849 INFO node_provider.py:491 -- Failed to launch 1 nodes of type gpu_spot: ...".
_REFUSAL = re.compile(r"Failed to launch \d+ nodes of type (\S+): (.+)$", re.MULTILINE)

#: So much of the end of that log is read: some minutes of refusals.
_LOG_BYTES = 64 * 1024


def refusals(log: str) -> dict[str, str]:
    """Why the cloud refused nodes, by their type, the last time; from lines of the autoscaler's log.

    The autoscaler of Ray 2.60 notes the reason nowhere else: `InstanceManager` drops the details of an update, so that
    `failed_launches` has none. Delete this when it passes them on.
    """
    return {found[1]: " ".join(found[2].split())[:_REASON_CHARACTERS] for found in _REFUSAL.finditer(log)}


def waits_for(status: ClusterStatus, now: float, reasons: Mapping[str, str]) -> str | None:
    """What the cluster lacks, with the autoscaler's own reason; None where it has all that was asked for.

    Args:
        status: As `ray.autoscaler.v2.sdk.get_cluster_status` gives it.
        now: Seconds since 1970.
        reasons: Why nodes of a type were refused, where that is known.
    """
    demands = status.resource_demands
    asked = [*demands.ray_task_actor_demand, *demands.placement_group_demand]
    n_asked = sum(bundle.count for demand in asked for bundle in demand.bundles_by_count if bundle.bundle)
    if not n_asked:
        return None
    text = f"for nodes ({n_asked} actor{'s' * (n_asked != 1)} without a place)"
    refused = [launch for launch in status.failed_launches if now - (launch.failed_ts_s or now) < _REFUSAL_COUNTS_S]
    if refused:
        last = max(refused, key=lambda launch: launch.failed_ts_s or now)
        reason = reasons.get(last.ray_node_type_name, "Ray passes no reason on; monitor.log on the head may have it")
        return f"{text}: {last.ray_node_type_name} is refused: {reason}"
    starting = Counter(launch.ray_node_type_name for launch in status.pending_launches for _ in range(launch.count))
    starting.update(node.ray_node_type_name for node in status.pending_nodes)
    if starting:
        return f"{text}: starting " + ", ".join(f"{n} x {name}" for name, n in sorted(starting.items()))
    has_worker = len(status.active_nodes) + len(status.idle_nodes) > 1
    return None if has_worker else f"{text}: the autoscaler starts none; `ray status` says what it knows"


def seconds_of_starting(status: ClusterStatus) -> Counter[str]:
    """Node seconds until the next look, by node type, of machines that the cloud bills and that are no nodes yet.

    Ray's own table begins when a node's Ray does: boot and pulling the image are missing there.
    """
    return Counter(
        {kind: n * _LOOK_S for kind, n in Counter(n.ray_node_type_name for n in status.pending_nodes).items()}
    )


class ClusterWatch:
    """Looks at the cluster while a run goes on, and adds to the run's progress what it waits for."""

    def __init__(self, lake: Lake, quarter: str, look: Callable[[], str | None], on_progress: OnProgress) -> None:
        self._lake, self._quarter, self._look, self._on_progress = lake, quarter, look, on_progress
        self._last = Progress("start", 0, 1)
        self._wait: RunWait | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="cluster-watch")

    def show(self, progress: Progress) -> None:
        """Show where the run stands, and what it waits for."""
        self._last = progress
        if self._wait is not None:
            text = f"waiting since {self._wait.since} {self._wait.what}"
            progress = replace(progress, detail="; ".join(part for part in (progress.detail, text) if part))
        self._on_progress(progress)

    def begin(self) -> None:
        """Look from now on; what a killed run left of its own wait is forgotten."""
        try:
            forget_wait(self._lake, self._quarter)
        except FtmError as error:
            logger.debug("an old wait could not be deleted: %s", error)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join(_END_S)
        self._note(None)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            try:
                self.look_once()
            except FtmError as error:  # the lock is lost: the run itself will find that out and end
                logger.debug("no more looks: %s", error)
                return

    def look_once(self) -> None:
        """Look, and tell what is new."""
        self._note(self._look())
        if self._wait is not None and self._last.done != self._last.total:
            self.show(self._last)

    def _note(self, what: str | None) -> None:
        """Remember what is waited for; the time is that at which the wait began, whatever its reason is now."""
        before, self._wait = self._wait, None
        if what is not None:
            since = before.since if before else datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            self._wait = RunWait(what, since)
        if self._wait == before:
            return
        try:
            note_wait(self._lake, self._quarter, self._wait) if self._wait else forget_wait(self._lake, self._quarter)
        except FtmError as error:  # the run itself goes on
            logger.debug("what is waited for could not be noted: %s", error)


@contextmanager
def watched_cluster(
    lake: Lake, quarter: str, on_progress: OnProgress, starting_s: Counter[str] | None = None
) -> Iterator[OnProgress]:
    """Watch the cluster that Ray has joined while the block runs; gives the way to show progress.

    Args:
        lake: Where the quarter's lock lies.
        quarter: Which one.
        on_progress: Gets where the run stands.
        starting_s: Gets the seconds in which the cloud had a machine and Ray not yet, by node type, if wanted.
    """
    look = _ClusterLook(Counter() if starting_s is None else starting_s)
    watch = ClusterWatch(lake, quarter, look, on_progress)
    watch.begin()
    try:
        yield watch.show
    finally:
        watch.end()


class _ClusterLook:
    """Asks the autoscaler and Serve; also logs nodes that came and went."""

    def __init__(self, starting_s: Counter[str]) -> None:
        self._starting_s = starting_s
        self._address: str = ray.get_runtime_context().gcs_address
        node: Any = ray._private.worker._global_node  # Ray has no public way to its own logs
        self._log = Path(node.get_logs_dir_path()) / "monitor.log"
        self._nodes: Counter[str] | None = None
        self._model_was_up = False

    def __call__(self) -> str | None:
        try:
            status, model = get_cluster_status(self._address), self._model()
        except (RayError, RuntimeError, OSError, ValueError) as error:  # what is only shown must never end a run
            logger.debug("the autoscaler does not answer: %s", error)
            return None
        self._log_nodes(status)
        self._starting_s.update(seconds_of_starting(status))
        waits = [wait for wait in (waits_for(status, time.time(), self._refusals()), model) if wait]
        return "; ".join(waits) or None

    def _refusals(self) -> dict[str, str]:
        """From the autoscaler's log, which lies on the head, where the driver of a job runs."""
        try:
            with self._log.open("rb") as stream:
                stream.seek(max(0, self._log.stat().st_size - _LOG_BYTES))
                return refusals(stream.read().decode(errors="replace"))
        except OSError:  # this driver runs elsewhere
            return {}

    def _log_nodes(self, status: ClusterStatus) -> None:
        nodes = Counter(node.ray_node_type_name for node in [*status.active_nodes, *status.idle_nodes])
        if self._nodes is not None and nodes != self._nodes:
            logger.info("nodes: %s", ", ".join(f"{n} x {name}" for name, n in sorted(nodes.items())) or "none")
        self._nodes = nodes

    def _model(self) -> str | None:
        """Whether a model that was up has no copy now: its node was taken, say."""
        found = find_application()
        n_ready = n_ready_replicas(found) if found else 0
        self._model_was_up = found is not None and (self._model_was_up or n_ready > 0)
        is_lost = self._model_was_up and not n_ready
        return "for the LLM, of which no copy is up; its questions wait" if is_lost else None
