"""Nobody's model goes by itself: a run that has one served says again and again that it lives.

The lease is a small actor on the head, which outlives the run. As long as one run renews it, the model stays; when
the last one gives it back, or was silent for `serve.lease_s` (its process was killed, its machine died), the actor
takes the model down and ends. Who wants a model to stay (`ftm llm up`, `--keep-llm`) takes no lease. Embedded Ray needs
none: all of it ends with its process.
"""

import logging
import threading
import time
import uuid
from typing import Any

import ray
from ray import serve as ray_serve
from ray.exceptions import RayError

from ftm_ray.errors import RetryableError
from ftm_ray.serving.serve_state import APPLICATION, ON_HEAD

logger = logging.getLogger(__name__)

_NAME, _NAMESPACE = "ftm-llm-lease", "ftm"

#: A lease is renewed so many times before it would end: one call that is late costs nothing.
_RENEWALS_PER_LEASE = 6

_LOOK_S = 0.5

#: Longest wait for the lease of a model that is on its way down: its replicas have 10 s to end.
_PATIENCE_S = 60.0


class LeaseBook:
    """Who uses the model, and until when that is believed. Plain Python; times are of `time.monotonic`."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._is_over = False

    def renew(self, holder: str, lease_s: float, now: float) -> bool:
        """Hold the lease for so long; False if it is over already, and the model on its way down."""
        if not self._is_over:
            self._until[holder] = now + lease_s
        return not self._is_over

    def give_back(self, holder: str) -> bool:
        """One holder less; True if that was the last one."""
        self._until.pop(holder, None)
        self._is_over = not self._until
        return self._is_over

    def end_if_silent(self, now: float) -> bool:
        """Whether nobody holds it any more; once so, it stays so."""
        self._until = {holder: until for holder, until in self._until.items() if until > now}
        self._is_over = self._is_over or not self._until
        return self._is_over


class LeaseKeeper:
    """The actor on the head."""

    def __init__(self, holder: str, lease_s: float) -> None:
        self._book = LeaseBook()
        self._book.renew(holder, lease_s, time.monotonic())
        self._lock = threading.Lock()
        self._is_dropped = False
        threading.Thread(target=self._watch, daemon=True, name="lease").start()

    def renew(self, holder: str, lease_s: float) -> bool:
        """As `LeaseBook.renew`."""
        with self._lock:
            return self._book.renew(holder, lease_s, time.monotonic())

    def give_back(self, holder: str) -> bool:
        """As `LeaseBook.give_back`; the model goes a moment later."""
        with self._lock:
            return self._book.give_back(holder) and not self._is_dropped

    def drop(self) -> None:
        """Leave the model up from now on: somebody wants it to stay."""
        with self._lock:
            self._is_dropped = True

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            with self._lock:
                is_over = self._is_dropped or self._book.end_if_silent(time.monotonic())
            if is_over:
                break
        try:
            if not self._is_dropped:
                ray_serve.delete(APPLICATION)
        finally:
            ray.kill(ray.get_actor(_NAME, _NAMESPACE))  # this actor itself


class Lease:
    """A run's hold on the model, renewed by a thread of its own until it is given back.

    Made by `new_lease` or `joined_lease`.

    Args:
        keeper: The actor. Any: Ray's typing does not know the methods of remote classes.
        holder: Tells this run from others.
        lease_s: As in ServeSettings.
    """

    def __init__(self, keeper: Any, holder: str, lease_s: float) -> None:
        self.keeper, self._holder, self._lease_s = keeper, holder, lease_s
        self._ended = threading.Event()
        threading.Thread(target=self._renew, daemon=True, name="llm-lease").start()

    def _renew(self) -> None:
        while not self._ended.wait(self._lease_s / _RENEWALS_PER_LEASE):
            self.keeper.renew.remote(self._holder, self._lease_s)  # nobody waits for it, so a lost one raises nothing

    def give_back(self) -> bool:
        """Give it back; True if nobody else uses the model, so that it goes now."""
        self._ended.set()
        try:
            return bool(ray.get(self.keeper.give_back.remote(self._holder)))
        except RayError:  # the lease was dropped: the model is kept on purpose, or `ftm llm down` took it
            return False


def new_lease(lease_s: float) -> Lease:
    """A lease for a model that is about to be started.

    Raises:
        RetryableError: The lease of the model before does not end.
    """
    keeper: Any = ray.remote(LeaseKeeper)
    holder, deadline = uuid.uuid4().hex, time.monotonic() + _PATIENCE_S
    while True:
        try:
            made = keeper.options(
                name=_NAME,
                namespace=_NAMESPACE,
                lifetime="detached",
                num_cpus=0,
                resources=ON_HEAD,
                max_concurrency=4,
                max_restarts=-1,  # one that crashed begins again with its first holder; the others renew
            ).remote(holder, lease_s)
        except ValueError as error:  # the name is taken: another run's model goes this moment, or starts
            if time.monotonic() > deadline:
                raise RetryableError(
                    f"another run starts or ends a model since {_PATIENCE_S:.0f} s; `ftm llm status` says which"
                ) from error
            time.sleep(_LOOK_S)
        else:
            return Lease(made, holder, lease_s)


def joined_lease(lease_s: float) -> Lease | None:
    """A hold on the lease of the model that another run started or starts; None where there is no lease.

    One that is over is waited for: its model is on its way down.

    Raises:
        RetryableError: It does not end.
    """
    holder, deadline = uuid.uuid4().hex, time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            keeper = ray.get_actor(_NAME, _NAMESPACE)
            if ray.get(keeper.renew.remote(holder, lease_s)):
                return Lease(keeper, holder, lease_s)
        except ValueError:
            return None
        except RayError:
            logger.debug("the lease ended this moment")
        time.sleep(_LOOK_S)
    raise RetryableError(f"another run's model is on its way down since {_PATIENCE_S:.0f} s; see `ftm llm status`")


def drop_lease() -> None:
    """Have the model stay from now on, whoever started it."""
    try:
        ray.get(ray.get_actor(_NAME, _NAMESPACE).drop.remote())
    except (ValueError, RayError):
        logger.debug("there is no lease, or it ended this moment")
