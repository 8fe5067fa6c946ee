"""How the model is started: Ray Serve with one door, and the application handed to it.

The application is put together in a task, not here: vLLM's import takes some 15 s and 1 GB, and it changes
logging for the whole process that does it.
"""

import importlib.util
import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray import serve as ray_serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.context import _get_global_client
from ray.serve.schema import LoggingConfig

from ftm_ray.config import NodeType, RunConfig, ServeSettings
from ftm_ray.environment import ray_address
from ftm_ray.errors import ConfigError
from ftm_ray.serving.engine import application, check_hub, choose_preset
from ftm_ray.serving.serve_state import APPLICATION, ON_HEAD, last_line, sees_gpu
from ftm_ray.serving.wait import POLL_S, Wait


def start_model(config: RunConfig, nodes: Sequence[NodeType], wait: Wait) -> None:
    """Hand the application to Serve, which starts it while we go on."""
    llm, serve = config.llm, config.serve
    if importlib.util.find_spec("vllm") is None:
        raise ConfigError(
            "vLLM is not installed here, so no model can be served: pip install -c constraints.txt -e '.[llm]' "
            "on machines with a GPU, `make setup-llm-cpu` on others, or use --llm URL or none"
        )
    preset = choose_preset(serve.preset, nodes)
    wait.needs_gpu = preset.gpus > 0
    if wait.needs_gpu and not sees_gpu() and ray_address() is None:
        raise ConfigError(
            f"serve.preset = '{serve.preset}' needs a GPU, and this machine has none that Ray sees: use a cluster "
            "(RAY_ADDRESS), or serve.preset = 'cpu' with a small model"
        )
    made = application(llm, serve, preset, _threads(nodes))
    source = made["llm_configs"][0]["model_loading_config"]["model_source"]
    if ray_address() is None and not (Path(source).is_absolute() or "://" in source):
        check_hub(source)  # a cluster's nodes may reach what this machine does not
    wait.report("starting Ray Serve")
    _start_serve(serve)
    wait.report(f"preparing {llm.model}")
    try:
        _finish(_put_up.remote(made), wait)
    except (RayTaskError, RayActorError) as error:
        raise ConfigError(f"cannot serve {llm.model}: {last_line(str(error))}") from error


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


def _finish(task: "ray.ObjectRef[None]", wait: Wait) -> None:
    """Wait for the task that makes the application; Ctrl-C ends it, or it would start a model for nobody."""
    try:
        while not ray.wait([task], timeout=POLL_S)[0]:
            wait.report(f"preparing {wait.model}")
        ray.get(task)
    except BaseException:
        ray.cancel(task, force=True)
        raise


@ray.remote(num_cpus=0, resources=ON_HEAD, max_calls=1)  # max_calls: the process ends, and with it 1 GB of imports
def _put_up(config: dict[str, Any]) -> None:
    """Make the application and give it to Serve, without waiting for it."""
    from ray.serve.llm import build_openai_app

    target = ray_serve.RunTarget(
        target=build_openai_app(config), name=APPLICATION, logging_config=LoggingConfig(enable_access_log=False)
    )
    ray_serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)


def _threads(nodes: Sequence[NodeType]) -> int:
    """Threads of a model on the processor: half of a node's, as the map works on the same node."""
    return max(1, int(min((kind.cpus for kind in nodes if kind.cpus), default=2)) // 2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
