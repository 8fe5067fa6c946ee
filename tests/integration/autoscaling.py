"""A cluster that really starts and ends nodes, on this machine: Ray's autoscaler over its own fake provider.

The nodes are real raylets with invented resources; only the cloud is missing. The head runs no work (CPU: 0), as the
one of a real cluster. Ports and folders are its own, and what it leaves behind is ended by its folder's name.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from head import RAY, ray_environment, wait_until_it_answers
from s3_server import free_port

#: The id that Ray's fake provider has for its head.
_HEAD_ID = "f" * 51 + "00000"

_HEAD_TYPE = "ray.head.default"  # the name is built into Ray's fake provider

#: A provider that has no node of the types in FTM_DRY, as EC2 when its Spot pool is dry, until that file is gone.
#: Each node gets a temp folder of its own, as a machine has one: a job's files are laid down in it, and nodes that
#: share it lay them down anew under those who work there already.
_PROVIDER = """
import os
import tempfile

import ray._private.node
from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider
from ray.autoscaler.node_launch_exception import NodeLaunchException

class NodeWithItsOwnFolder(ray._private.node.Node):
    def __init__(self, ray_params, **options):
        ray_params.temp_dir = tempfile.mkdtemp(dir=os.environ["FTM_NODES"])
        super().__init__(ray_params, **options)

ray._private.node.Node = NodeWithItsOwnFolder

class Provider(FakeMultiNodeProvider):
    def create_node_with_resources_and_labels(self, node_config, tags, count, resources, labels):
        if os.path.exists(os.environ["FTM_DRY"]):
            raise NodeLaunchException("InsufficientInstanceCapacity", "no Spot capacity in any zone", None)
        super().create_node_with_resources_and_labels(node_config, tags, count, resources, labels)
"""


@dataclass(slots=True)
class AutoscalingCluster:
    """A living one.

    Attributes:
        address: What RAY_ADDRESS takes.
        dashboard: What `ftm submit --address` takes; None = it has none.
        token: Without which nobody gets in; None = everybody does.
        file: The cluster file.
        dry: While this file is there, the cloud has no nodes.
        counts: How many workers there were, each number once when it changed.
        times: When each of these was seen, in seconds since the cluster answered.
    """

    address: str
    dashboard: str | None
    token: str | None
    file: Path
    dry: Path
    counts: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    _workers: list[str] = field(default_factory=list)
    _is_counted: bool = True

    def environment(self) -> dict[str, str]:
        """For a command that joins it."""
        return ray_environment(self.token) | {"RAY_ADDRESS": self.address}

    def watch(self, lines: Iterable[str]) -> None:
        """Note the workers until the lines of count_workers.py end."""
        start = time.monotonic()
        for line in lines:
            self._workers = json.loads(line)
            if self.counts[-1:] != [len(self._workers)]:
                self.times.append(round(time.monotonic() - start, 1))
                self.counts.append(len(self._workers))
        self._is_counted = False

    def workers(self) -> list[str]:
        """Ids of the workers that are there now, in hexadecimal digits."""
        return self._workers

    def kill(self, node: str) -> None:
        """Have a node gone from one moment to the next, as a machine that loses its power."""
        raylets = [pid for pid in _processes_of(node) if b"raylet/raylet" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert raylets, f"no process of node {node}"
        for pid in raylets:
            os.kill(pid, signal.SIGKILL)

    def drain(self, node: str) -> None:
        """Tell Ray that a node will be taken away, as the Spot watcher does after EC2's notice."""
        told = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "spot"]
        subprocess.run(
            [RAY, "drain-node", "--address", self.address, "--node-id", node, *told]
            + ["--deadline-remaining-seconds", "110"],
            check=True,
            capture_output=True,
            env=ray_environment(self.token),
        )

    def wait_for(self, n: int, within_s: float) -> None:
        """Wait until there are so many workers."""
        deadline = time.monotonic() + within_s
        while self.counts[-1:] != [n]:
            assert self._is_counted, "count_workers.py has ended"
            assert time.monotonic() < deadline, f"workers: {self.counts}, expected {n}"
            time.sleep(0.2)


@contextmanager
def autoscaling_cluster(
    n_gpu_nodes: int, with_dashboard: bool = False, token: str | None = None
) -> Iterator[AutoscalingCluster]:
    """A head and no worker; up to so many nodes of 4 cores and one card may come."""
    with TemporaryDirectory(prefix="ftm-as-", dir="/tmp", ignore_cleanup_errors=True) as folder:  # sockets: short path
        work, port, dashboard_port = Path(folder), free_port(), free_port()
        cluster = AutoscalingCluster(
            address=f"{_own_address()}:{port}",
            dashboard=f"http://127.0.0.1:{dashboard_port}" if with_dashboard else None,
            token=token,
            file=work / "cluster.json",
            dry=work / "dry",
        )
        cluster.file.write_text(json.dumps(_cluster_file(cluster.address, n_gpu_nodes)))
        (work / "ftm_fake_cloud.py").write_text(_PROVIDER)
        process = subprocess.Popen(
            [RAY, "start", "--head", "--block", *_flags(work, port, dashboard_port, cluster)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_head_environment(work, cluster),
            start_new_session=True,
        )
        counting = None
        try:
            wait_until_it_answers(process, cluster.address, cluster.dashboard, token, within_s=120)
            counting = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("count_workers.py")), cluster.address, _HEAD_TYPE],
                stdout=subprocess.PIPE,
                text=True,
                env=cluster.environment(),
            )
            threading.Thread(target=cluster.watch, args=(counting.stdout,), daemon=True).start()
            yield cluster
        finally:
            if counting:
                counting.kill()
                counting.wait()
            _end(folder, process)


def _own_address() -> str:
    from ray._private.services import get_node_ip_address

    return str(get_node_ip_address())


def _cluster_file(address: str, n_gpu_nodes: int) -> dict[str, Any]:
    """As `ray up` takes it; a provider of one's own wants every field."""
    gpu_node = {"CPU": 4, "GPU": 1, "accelerator_type:L4": 1}
    lists = ("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands")
    lists += ("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files", "rsync_exclude")
    return {
        "cluster_name": "fake",
        "max_workers": n_gpu_nodes,
        "idle_timeout_minutes": 0.1,
        "upscaling_speed": 1.0,
        "head_node_type": _HEAD_TYPE,
        "provider": {
            "type": "external",
            "module": "ftm_fake_cloud.Provider",
            "launch_multiple": True,
            "head_node_id": _HEAD_ID,
            "gcs_address": address,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": {
            _HEAD_TYPE: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "gpu_spot": {"resources": gpu_node, "node_config": {}, "min_workers": 0, "max_workers": n_gpu_nodes},
        },
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        "rsync_filter": [],
        **{name: [] for name in lists},
    }


def _flags(work: Path, port: int, dashboard_port: int, cluster: AutoscalingCluster) -> list[str]:
    ports = {"dashboard-port": dashboard_port, "ray-client-server-port": free_port()}
    ports["dashboard-agent-listen-port"] = free_port()
    return [
        f"--port={port}",
        "--num-cpus=0",
        "--num-gpus=0",
        "--labels=ftm-role=head,ftm-instance-type=m6i.xlarge,ftm-market=on-demand",
        f"--include-dashboard={str(cluster.dashboard is not None).lower()}",
        f"--temp-dir={work}/ray",
        "--object-store-memory=200000000",
        f"--autoscaling-config={cluster.file}",
        "--disable-usage-stats",
        *(f"--{name}={number}" for name, number in ports.items()),
    ]


def _head_environment(work: Path, cluster: AutoscalingCluster) -> dict[str, str]:
    return ray_environment(cluster.token) | {
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": _HEAD_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": _HEAD_ID,
        "RAY_NODE_TYPE_NAME": _HEAD_TYPE,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "PYTHONPATH": str(work),
        "FTM_DRY": str(cluster.dry),
        "FTM_NODES": str(work),
    }


def _end(folder: str, process: subprocess.Popen) -> None:
    """End the head and the nodes that its autoscaler started; each names the folder in its arguments or environment."""
    for _ in range(20):
        left = [pid for pid in _processes_of(folder) if pid != os.getpid()]
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if not left:
            break
        time.sleep(0.3)
    process.wait(timeout=60)


def _processes_of(folder: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                texts = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:  # it ended this moment, or belongs to somebody else
                continue
            if folder.encode() in texts:
                found.append(int(entry.name))
    return found
