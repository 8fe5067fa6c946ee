"""Does the naming stage keep an endpoint busy? 1,000 topics, 50 slots, 1 s an answer: at best 20 s.

    python tests/benchmarks/naming_busy.py [--topics 1000] [--slots 50] [--latency 1.0] [--idle]

A real endpoint process on this machine waits one second for each answer. The naming stage of a run works through part
files on real Ray, while both cores find topics of the sample calls over and over (--idle leaves that out). Measured at
the endpoint, from the first request to the last answer.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
TOPICS_PER_FIRM, FIRMS_PER_BATCH = 25, 2


def serve(latency_s: float, pipe) -> None:
    """An endpoint of fixed latency; tells its URL, and when asked the time that it was at work."""
    from llm_server import LlmServer, in_its_words

    times = []

    def answer(_number, body):
        times.append(time.time())
        return in_its_words(body)

    with LlmServer(answer, delay_s=latency_s) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send((min(times) - latency_s, max(times), len(server.requests), server.most_at_once))


def find_topics_over_and_over() -> None:
    """What a map actor does, without end."""
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_THREADING_LAYER="workqueue")
    from invented import SENTENCES

    from ftm_ray.config import RunConfig
    from ftm_ray.run.actors import TopicFinder

    actor = TopicFinder(RunConfig(), linked_only=False, device="cpu")
    while True:
        actor._finder.encoder.encode(SENTENCES * 5)


def make_parts(root: str, config, n_topics: int):
    """Part files with keyword names only, as a map without an endpoint leaves them."""
    from invented import done_row, firm, part_table, run_files, topic_vector, write_store

    from ftm_ray.lake.storage import Lake

    n_firms = -(-n_topics // TOPICS_PER_FIRM)
    texts = [f"Cost of item {n} rose, and so did the price of item {n} at firm" for n in range(TOPICS_PER_FIRM)]
    firms = [firm(f"F{n:04d}", [[f"{text} {n}." for text in texts for _ in range(2)]]) for n in range(n_firms)]
    groups = [firms[start : start + FIRMS_PER_BATCH] for start in range(0, n_firms, FIRMS_PER_BATCH)]
    lake = Lake(root)
    run = run_files(lake, write_store(lake, groups), config)
    topic_ids = [n for n in range(TOPICS_PER_FIRM) for _ in range(2)]
    vectors = [topic_vector(n % 8) for n in range(TOPICS_PER_FIRM)]
    for batch, group in zip(run.manifest.batches, groups, strict=True):
        lake.write_table(run.part_path(batch), part_table([done_row(one, topic_ids, vectors) for one in group]))
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--topics", type=int, default=1000)
    parser.add_argument("--slots", type=int, default=50)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds an answer")
    parser.add_argument("--idle", action="store_true", help="without the map's work beside it")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    processes = [context.Process(target=serve, args=(arguments.latency, theirs), daemon=True)]
    processes += [
        context.Process(target=find_topics_over_and_over, daemon=True) for _ in range(2 * (not arguments.idle))
    ]
    for process in processes:
        process.start()
    url = ours.recv()

    import ray

    from ftm_ray.config import LlmSettings, RunConfig
    from ftm_ray.run import pipeline
    from ftm_ray.run.datasets import MapResources

    llm = LlmSettings(endpoint=url, model="fixed-latency", max_concurrency=arguments.slots)
    with tempfile.TemporaryDirectory() as root:
        run = make_parts(root, RunConfig(llm=llm), arguments.topics)
        if not arguments.idle:
            time.sleep(20)  # until the two processes have loaded and compiled
        ray.init(address="local", include_dashboard=False, log_to_driver=False)
        config = RunConfig(llm=llm)
        account = pipeline._map(run, config, MapResources.for_config(config), lambda _: None).account
        ray.shutdown()
    ours.send("done")
    begun, ended, n_requests, most_at_once = ours.recv()
    for process in processes:
        process.kill()
    seconds, ideal = ended - begun, arguments.topics / arguments.slots * arguments.latency
    print(f"{account.outcomes} in {n_requests} requests, at most {most_at_once} at once")
    print(f"{seconds:.1f} s, ideal {ideal:.1f} s, ratio {seconds / ideal:.2f}")


if __name__ == "__main__":
    main()
