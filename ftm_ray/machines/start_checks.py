"""What the commands of a cluster file must say: who may enter, how long to wait, who hears of an interruption."""

import re
from collections.abc import Iterator
from typing import Any

_TOKEN_FILE = "/.ray/auth_token"
_LONGEST_GIVE_UP_S = 1800
#: What Ray waits by itself for a node that boots, and for one that pulls its image.
_GIVES_UP = {"ALLOCATE": "an hour", "RAY_INSTALL": "half an hour"}
#: Two quarters are started by hand within minutes; a card that waits longer costs more than its start.
_LONGEST_IDLE_MIN = 15


def start_problems(config: dict[str, Any]) -> Iterator[str]:
    """Faults of the start commands, the mounts and the times, one sentence each.

    Args:
        config: A file that Ray's own check has passed.
    """
    head = " ; ".join(config.get("head_start_ray_commands", []))
    worker = " ; ".join(config.get("worker_start_ray_commands", []))
    for name, text in (("head", head), ("worker", worker)):
        if "RAY_AUTH_MODE=token" not in text:
            yield f"{name}_start_ray_commands: no RAY_AUTH_MODE=token, so whoever reaches a port runs code; export it"
    if not any(path.endswith(_TOKEN_FILE) for path in config.get("file_mounts", {})):
        yield f"file_mounts: the token does not reach the nodes; mount ~{_TOKEN_FILE} to /home/ray{_TOKEN_FILE}"
    listens = re.search(r"--dashboard-host[= ](\S+)", head)
    if listens and listens[1] not in ("127.0.0.1", "localhost"):
        yield f"head_start_ray_commands: the dashboard listens on {listens[1]}; it takes jobs: 127.0.0.1, and a tunnel"
    for state, how_long in _GIVES_UP.items():
        name = f"RAY_AUTOSCALER_RECONCILE_{state}_STATUS_TIMEOUT_S"
        give_up = re.search(rf"{name}=(\d+)", head)
        if give_up is None or int(give_up[1]) > _LONGEST_GIVE_UP_S:
            paid = how_long if give_up is None else f"{give_up[1]} s"
            yield f"head_start_ray_commands: a node that never comes up is paid for {paid}; export {name}=1200"
    if "--autoscaling-config" not in head:
        yield "head_start_ray_commands: no --autoscaling-config, so no node would ever be started"
    if "ftm_ray.machines.spot_watcher" not in worker:
        yield "worker_start_ray_commands: nobody hears EC2's notice; start python -m ftm_ray.machines.spot_watcher"
    if config.get("idle_timeout_minutes", 5) > _LONGEST_IDLE_MIN:
        yield f"idle_timeout_minutes is {config['idle_timeout_minutes']}: idle cards cost as much as busy ones; set 5"
    for name in ("setup_commands", "head_setup_commands", "worker_setup_commands"):
        if config.get(name) != []:
            yield f"{name} must be [], as all code is in the image; where it is left out Ray may install another Ray"
