"""Do three nodes that come at once share the map evenly, and is none idle while there is work?

    python tests/benchmarks/three_nodes.py ROOT QUARTER [--nodes 3]

Runs the quarter that lies prefetched in ROOT, in a root of its own, without an LLM, on a cluster that begins with no
worker: Ray's autoscaler over fake nodes on this machine (tests/integration/autoscaling.py), a logical card each, the
encoder on the processor. Each batch is timed where it is worked on. On two cores three nodes are no faster than two,
but how evenly they are busy is seen all the same: `ratio` is the time from the first batch's begin to the last batch's
end, held against the work of all batches shared by all nodes without a gap. The aim is 1.1 at most, the start of one
node left out, that of the others counted in.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "integration")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from ray import cloudpickle  # noqa: E402

from ftm_ray.run import actors  # noqa: E402

#: Where actors, on whatever node, write down what they did.
NOTES = Path(tempfile.gettempdir(), f"three-nodes-{os.getpid()}")


class TimedThread(ThreadPoolExecutor):
    """The thread of a topic actor, which writes down when it was busy with what, on which node."""

    def submit(self, call: Any, /, *arguments: Any, **named: Any) -> Future:
        return super().submit(_timed, call, *arguments, **named)


def _timed(call: Any, *arguments: Any, **named: Any) -> Any:
    import ray

    begin = time.time()
    made = call(*arguments, **named)
    note = {"what": call.__name__, "begin": begin, "end": time.time(), "node": ray.get_runtime_context().get_node_id()}
    (NOTES / f"{time.time():.6f}-{note['node']}").write_text(json.dumps(note))
    return made


class TimedTopicFinder(actors.TopicFinder):
    """The real actor, with a thread that is timed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._work = TimedThread(max_workers=1, thread_name_prefix="topics")


def run_on(root: str, quarter: str, cluster_file: Path, n_nodes: int) -> Any:
    """Run the quarter in this process, which RAY_ADDRESS has join the cluster."""
    from ftm_ray.config import load_config
    from ftm_ray.run import datasets, pipeline

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this folder
    datasets.TopicFinder = TimedTopicFinder
    cluster = {"cluster.file": str(cluster_file), "cluster.actors_per_gpu": 1, "cluster.device": "cpu"}
    config = load_config(None, {"llm.endpoint": "none", "workers": n_nodes} | cluster)
    return pipeline.run_quarter(root, quarter, config, lambda _: None)


def table(asked_at: float, n_nodes: int) -> str:
    """A row per node that had work, and the ratio, for which a node without work is one that was idle all the time."""
    notes = [json.loads(path.read_text()) for path in NOTES.iterdir()]
    batches = [note for note in notes if note["what"] == "find"]
    begin, end = min(note["begin"] for note in batches), max(note["end"] for note in batches)
    of_node: defaultdict[str, list[dict]] = defaultdict(list)
    for note in batches:
        of_node[note["node"]].append(note)
    lines = ["| node | first batch after, s | batches | busy, s | idle after its first, s |", "|---|---|---|---|---|"]
    for number, own in enumerate(sorted(of_node.values(), key=lambda own: min(note["begin"] for note in own)), 1):
        busy = sum(note["end"] - note["begin"] for note in own)
        first = min(note["begin"] for note in own)
        lines.append(f"| {number} | {first - asked_at:.1f} | {len(own)} | {busy:.1f} | {end - first - busy:.1f} |")
    work = sum(note["end"] - note["begin"] for note in batches)
    ratio = (end - begin) * n_nodes / work
    lines.append(
        f"\n{len(batches)} batches, {work:.1f} s of work, {end - begin:.1f} s from the first begin to the last end"
    )
    return "\n".join([*lines, f"ratio {ratio:.3f}"])


def main() -> None:
    from autoscaling import autoscaling_cluster

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="where the quarter lies prefetched")
    parser.add_argument("quarter")
    parser.add_argument("--nodes", type=int, default=3)
    options = parser.parse_args()
    NOTES.mkdir()
    with tempfile.TemporaryDirectory(prefix="three-nodes-root-") as root:
        shutil.copytree(Path(options.root, "prefetch"), Path(root, "prefetch"))
        with autoscaling_cluster(n_gpu_nodes=options.nodes) as cluster:
            os.environ.update(cluster.environment())
            asked_at = time.time()
            run_on(root, options.quarter, cluster.file, options.nodes)
            print(table(asked_at, options.nodes))
            print("workers:", list(zip(cluster.times, cluster.counts, strict=True)))
    shutil.rmtree(NOTES)


if __name__ == "__main__":
    main()
