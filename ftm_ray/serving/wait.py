"""Waiting for the model: until it has answered a question, or patience is over; a person sees what is waited for."""

import time
from collections.abc import Callable

from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview

from ftm_ray.errors import ConfigError, RetryableError
from ftm_ray.serving.endpoint import answers, served_model
from ftm_ray.serving.serve_state import failure_reason, find_application, n_ready_replicas, sees_gpu, startup_message

POLL_S = 1.0

OnWait = Callable[[str], None]  # what is waited for, about once a second


class Wait:
    """How long something is waited for, and what a person sees meanwhile.

    Args:
        model: What is waited for.
        patience_s: Longest wait for it, not counting that for a node.
        node_patience_s: Longest wait for a node, which a cloud without Spot capacity gives when it can.
        on_wait: Given what is waited for, about once a second.
    """

    def __init__(self, model: str, patience_s: float, node_patience_s: float, on_wait: OnWait) -> None:
        self.model = model
        self.needs_gpu = False
        self._patience_s, self._node_patience_s = patience_s, node_patience_s
        self._on_wait = on_wait
        self._start = self._node_since = time.monotonic()

    def report(self, what: str) -> None:
        """Show what is waited for, and for how long."""
        self._on_wait(f"{what}, {time.monotonic() - self._start:.0f} s")

    def a_moment(self, found: ApplicationStatusOverview) -> None:
        """Wait for a second, or raise if that was too long."""
        now = time.monotonic()
        if self.needs_gpu and not sees_gpu():
            what, setting, limit_s = "waiting for a node with a GPU", "cluster.patience_s", self._node_patience_s
            since, self._node_since = self._start, now
        else:
            what, setting, limit_s = f"loading {self.model}", "serve.patience_s", self._patience_s
            since = self._node_since
        if n_ready_replicas(found):
            what = f"waiting for the first answer of {self.model}"
        if now - since > limit_s:
            raise RetryableError(
                f"no answer from {self.model} within {setting} = {limit_s:.0f} s, while {what}"
                f"{startup_message(found)}; look at the Serve page of Ray's dashboard, or wait longer"
            )
        self.report(what)
        time.sleep(POLL_S)


def wait_for_answer(url: str, model: str, wait: Wait) -> None:
    """Return when the model has answered a question."""
    while True:
        found = find_application()
        if found is None:
            raise RetryableError(f"{model} was taken down by somebody else while it was waited for; run again")
        if found.status == ApplicationStatus.DEPLOY_FAILED:
            raise ConfigError(f"cannot serve {model}: {failure_reason(found)} (settings of serve.*: docs/serving.md)")
        other = served_model(url)
        if other is not None and other != model:
            raise ConfigError(
                f"this cluster serves {other} already, not {model}: use --llm-model {other}, or `ftm llm down` first"
            )
        if other == model and found.status == ApplicationStatus.RUNNING and answers(url, model):
            return
        wait.a_moment(found)
