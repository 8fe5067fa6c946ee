"""What Ray knows of the model: is it deployed, where does it listen, how many copies are ready, why did it fail?"""

import re

import ray
from ray import serve as ray_serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ApplicationStatusOverview

#: Name of the application in Serve.
APPLICATION = "llm"

#: The head node has it, and only the head node. What decides runs there: no Spot node.
ON_HEAD = {"node:__internal_head__": 0.001}


def find_application() -> ApplicationStatusOverview | None:
    """What Serve says of the model's application; None where none is deployed."""
    return ray_serve.status().applications.get(APPLICATION)


def is_deployed() -> bool:
    """Whether somebody has the model served, or tries to."""
    return find_application() is not None


def endpoint_url() -> str:
    """Where Serve listens. Ray has no public way to ask for the port of a running Serve (2.60)."""
    serve = _get_global_client()
    assert serve is not None  # it raises where Serve does not run
    options = serve.http_config
    head = next(node for node in ray.nodes() if "node:__internal_head__" in node["Resources"])
    host = head["NodeManagerAddress"] if options.host == "0.0.0.0" else options.host  # noqa: S104
    return f"http://{host}:{options.port}/v1"


def sees_gpu() -> bool:
    """Whether a node with a GPU is in the cluster now."""
    return ray.cluster_resources().get("GPU", 0) > 0


def n_ready_replicas(found: ApplicationStatusOverview) -> int:
    """Copies of the model that are ready."""
    models = [deployment for name, deployment in found.deployments.items() if name.startswith("ModelReplica")]
    return sum(n for model in models for state, n in model.replica_states.items() if state == "RUNNING")


def startup_message(found: ApplicationStatusOverview) -> str:
    """What Serve reports while the model starts, in brackets; empty where it reports nothing."""
    messages = [last_line(d.message) for d in found.deployments.values() if d.message]
    return f" ({messages[0]})" if messages else ""


def failure_reason(found: ApplicationStatusOverview) -> str:
    """Why an application failed."""
    return last_line("\n".join([found.message, *(d.message for d in found.deployments.values())]))


def last_line(text: str) -> str:
    """The line of a traceback that says what went wrong, without the names of Python's exceptions."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"^(?:[\w.]+(?:Error|Exception): )+", "", lines[-1])[:300] if lines else "Ray gives no reason"
