"""The language model on the cluster: one Ray Serve application, started, tried with a real question, and taken down.

Whoever has the model served gets a URL that speaks the OpenAI protocol, as any other endpoint does; nothing else in the
project knows that the model runs here (docs/adr/0008-serve-llm-and-http.md). Ray must be started or joined already.

The application is put together in a task, not here: vLLM's import takes some 15 s and 1 GB, and it changes
logging for the whole process that does it.
"""

import importlib.util
import json
import logging
import re
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal

import ray
from ray import serve as ray_serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.context import _get_global_client
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview, LoggingConfig

from ftm_ray.config import LlmSettings, ServeSettings, ray_address
from ftm_ray.errors import ConfigError, RetryableError
from ftm_ray.serving.engine import application, check_hub, choose_preset

logger = logging.getLogger(__name__)

#: Name of the application in Serve.
APPLICATION = "llm"

_POLL_S = 1.0

#: An answer of one token from a model that is loaded takes far less; the first one compiles.
_ANSWER_S = 60.0

#: The head node has it, and only the head node. What decides runs there: no Spot node.
_ON_HEAD = {"node:__internal_head__": 0.001}

#: Errors of a server that is not there yet, breaks the connection, or answers with something else.
_NO_ANSWER = (OSError, HTTPException, ValueError, KeyError, TypeError, IndexError)

OnWait = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LlmStatus:
    """What is served. `model` and `url` are null where nothing answers."""

    state: Literal["down", "starting", "up", "failed"]
    model: str | None = None
    url: str | None = None
    n_replicas: int = 0
    message: str = ""


@contextmanager
def served(llm: LlmSettings, serve: ServeSettings, keep: bool, on_wait: OnWait) -> Iterator[str]:
    """Have the model served while the block runs; gives the URL, which every node of the cluster can reach.

    A model that is up already is used and left as it is.

    Args:
        llm: Names the model.
        serve: How it is served.
        keep: Leave it up afterwards, if it was started here.
        on_wait: Told what is waited for, about once a second.

    Raises:
        ConfigError: Another model is up, or this one cannot be served; what was started is taken down again.
        RetryableError: It did not answer within `serve.patience_s`.
    """
    was_there = _is_deployed()
    try:
        url = up(llm, serve, on_wait)
        yield url
    finally:
        if not (keep or was_there):
            down()


def up(llm: LlmSettings, serve: ServeSettings, on_wait: OnWait) -> str:
    """Have the model served until `down`; returns the URL. Fails as `served` does, and then leaves nothing behind."""
    was_there = _is_deployed()
    wait = _Wait(llm.model, serve.patience_s, on_wait)
    try:
        if not was_there:
            _deploy(llm, serve, wait)
        url = _url()
        _wait_for_answer(url, llm.model, wait)
    except BaseException:
        if not was_there:
            down()
        raise
    return url


def down() -> bool:
    """Take the model down, whoever started it; False if there was none. Returns when its processes have ended.

    Serve's own controller and proxy stay, with nothing to serve: they ask for no resources, so they keep no node.
    """
    if not _is_deployed():
        return False
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    try:
        ray_serve.delete(APPLICATION)
    except TimeoutError:
        logger.warning("the model is still ending; `ftm llm status` says when it is gone")
    return True


def status() -> LlmStatus:
    """What is served now. Starts nothing."""
    found = ray_serve.status().applications.get(APPLICATION)
    if found is None:
        return LlmStatus("down")
    if found.status == ApplicationStatus.DEPLOY_FAILED:
        return LlmStatus("failed", message=_reason(found))
    url = _url()
    model = _served_model(url)
    is_up = found.status == ApplicationStatus.RUNNING and model is not None
    return LlmStatus("up" if is_up else "starting", model, url if model else None, _n_replicas(found))


# --- starting ------------------------------------------------------------------------------------------------------


def _deploy(llm: LlmSettings, serve: ServeSettings, wait: "_Wait") -> None:
    """Hand the application to Serve, which starts it while we go on."""
    if importlib.util.find_spec("vllm") is None:
        raise ConfigError(
            "vLLM is not installed here, so no model can be served: pip install -c constraints.txt -e '.[llm]' "
            "on machines with a GPU, `make setup-llm-cpu` on others, or use --llm URL or none"
        )
    preset = choose_preset(serve.preset, ray.cluster_resources())
    wait.needs_gpu = preset.gpus > 0
    if wait.needs_gpu and not _sees_gpu() and ray_address() is None:
        raise ConfigError(
            f"serve.preset = '{serve.preset}' needs a GPU, and this machine has none that Ray sees: use a cluster "
            "(RAY_ADDRESS), or serve.preset = 'cpu' with a small model"
        )
    config = application(llm, serve, preset, _threads())
    source = config["llm_configs"][0]["model_loading_config"]["model_source"]
    if ray_address() is None and not (Path(source).is_absolute() or "://" in source):
        check_hub(source)  # a cluster's nodes may reach what this machine does not
    wait.tell("starting Ray Serve")
    _start_serve(serve)
    wait.tell(f"preparing {llm.model}")
    try:
        _finish(_put_up.remote(config), wait)
    except (RayTaskError, RayActorError) as error:
        raise ConfigError(f"cannot serve {llm.model}: {_last_line(str(error))}") from error


def _start_serve(serve: ServeSettings) -> None:
    """Start Serve with one door: a proxy on the head node, through which all requests go.

    Embedded Ray has it on this machine only, at a free port, as two runs may go on at once. A cluster's other nodes
    must reach it, so there it listens on all addresses: keep the port closed to the outside (docs/serving.md).
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # it tells each step at INFO, in the run's own terminal
    if _get_global_client(raise_if_no_controller_running=False) is not None:
        return
    host, port = ("127.0.0.1", _free_port()) if ray_address() is None else ("0.0.0.0", 8000)  # noqa: S104
    ray_serve.start(
        proxy_location="HeadOnly",
        http_options={"host": host, "port": serve.port or port},
        logging_config=LoggingConfig(enable_access_log=False),  # a quarter has 75,000 requests
    )


def _finish(task: "ray.ObjectRef[None]", wait: "_Wait") -> None:
    """Wait for the task that makes the application; Ctrl-C ends it, or it would start a model for nobody."""
    try:
        while not ray.wait([task], timeout=_POLL_S)[0]:
            wait.tell(f"preparing {wait.model}")
        ray.get(task)
    except BaseException:
        ray.cancel(task, force=True)
        raise


@ray.remote(num_cpus=0, resources=_ON_HEAD, max_calls=1)  # max_calls: the process ends, and with it 1 GB of imports
def _put_up(config: dict[str, Any]) -> None:
    """Make the application and give it to Serve, without waiting for it."""
    from ray.serve.llm import build_openai_app

    target = ray_serve.RunTarget(
        target=build_openai_app(config), name=APPLICATION, logging_config=LoggingConfig(enable_access_log=False)
    )
    ray_serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)


def _threads() -> int:
    """Threads of a model on the processor: half of a node's, as the map works on the same node."""
    return max(1, int(min(node["Resources"].get("CPU", 0) or 2 for node in ray.nodes() if node["Alive"])) // 2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- waiting -------------------------------------------------------------------------------------------------------


class _Wait:
    """How long something is waited for, and what a person is told meanwhile."""

    def __init__(self, model: str, patience_s: float, on_wait: OnWait) -> None:
        self.model = model
        self.needs_gpu = False
        self._patience_s = patience_s
        self._on_wait = on_wait
        self._start = time.monotonic()

    def tell(self, what: str) -> None:
        self._on_wait(f"{what}, {time.monotonic() - self._start:.0f} s")

    def a_moment(self, found: ApplicationStatusOverview) -> None:
        """Wait for a second, or raise if that was too long."""
        what = "waiting for a node with a GPU" if self.needs_gpu and not _sees_gpu() else f"loading {self.model}"
        if _n_replicas(found):
            what = f"waiting for the first answer of {self.model}"
        if time.monotonic() - self._start > self._patience_s:
            raise RetryableError(
                f"no answer from {self.model} within serve.patience_s = {self._patience_s:.0f} s, while {what}"
                f"{_said(found)}; look at the Serve page of Ray's dashboard, or wait longer"
            )
        self.tell(what)
        time.sleep(_POLL_S)


def _wait_for_answer(url: str, model: str, wait: _Wait) -> None:
    """Return when the model has answered a question."""
    while True:
        found = ray_serve.status().applications.get(APPLICATION)
        if found is None:
            raise RetryableError(f"{model} was taken down by somebody else while it was waited for; run again")
        if found.status == ApplicationStatus.DEPLOY_FAILED:
            raise ConfigError(f"cannot serve {model}: {_reason(found)} (settings of serve.*: docs/serving.md)")
        other = _served_model(url)
        if other is not None and other != model:
            raise ConfigError(
                f"this cluster serves {other} already, not {model}: use --llm-model {other}, or `ftm llm down` first"
            )
        if other == model and found.status == ApplicationStatus.RUNNING and _answers(url, model):
            return
        wait.a_moment(found)


def _answers(url: str, model: str) -> bool:
    """Whether the model answers a question: an engine can be healthy and yet fail at the first one."""
    question = {
        "model": model,
        "messages": [{"role": "user", "content": "Good morning."}],
        "max_tokens": 1,
        "temperature": 0,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    try:
        return _http(f"{url}/chat/completions", question)["choices"][0]["finish_reason"] is not None
    except _NO_ANSWER:
        return False


def _served_model(url: str) -> str | None:
    """Name of the model behind a URL, or None if nothing answers."""
    try:
        return str(_http(f"{url}/models")["data"][0]["id"])
    except _NO_ANSWER:
        return None


def _http(url: str, body: dict[str, Any] | None = None) -> Any:
    """Ask for JSON; not through a proxy that the environment names, as the way is within the cluster."""
    request = urllib.request.Request(
        url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=_ANSWER_S) as reply:
        return json.load(reply)


# --- what Ray knows ------------------------------------------------------------------------------------------------


def _is_deployed() -> bool:
    return APPLICATION in ray_serve.status().applications


def _url() -> str:
    """Where Serve listens. Ray has no public way to ask for the port of a running Serve (2.60)."""
    serve = _get_global_client()
    assert serve is not None  # it raises where Serve does not run
    options = serve.http_config
    head = next(node for node in ray.nodes() if "node:__internal_head__" in node["Resources"])
    host = head["NodeManagerAddress"] if options.host == "0.0.0.0" else options.host  # noqa: S104
    return f"http://{host}:{options.port}/v1"


def _sees_gpu() -> bool:
    return ray.cluster_resources().get("GPU", 0) > 0


def _n_replicas(found: ApplicationStatusOverview) -> int:
    """Copies of the model that are ready."""
    models = [deployment for name, deployment in found.deployments.items() if name.startswith("ModelReplica")]
    return sum(n for model in models for state, n in model.replica_states.items() if state == "RUNNING")


def _said(found: ApplicationStatusOverview) -> str:
    messages = [_last_line(d.message) for d in found.deployments.values() if d.message]
    return f" ({messages[0]})" if messages else ""


def _reason(found: ApplicationStatusOverview) -> str:
    """Why an application failed."""
    return _last_line("\n".join([found.message, *(d.message for d in found.deployments.values())]))


def _last_line(text: str) -> str:
    """The line of a traceback that says what went wrong, without the names of Python's exceptions."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"^(?:[\w.]+(?:Error|Exception): )+", "", lines[-1])[:300] if lines else "Ray gives no reason"
