"""What guards and support cost beside the map's own work: encoding sentences and finding topics.

    python tests/benchmarks/guards_cost.py --root ROOT --quarter 2020Q1

ROOT holds a prefetched quarter and is not written to. In one process, one thread, without Ray: topics are found as in
a map actor, named by a server on this machine that answers at once, and themes are published into a folder that is
removed. Measured are the map's work (without any waiting for an LLM, which a real run has besides), the guards of
topics and themes, and the two steps that compare vectors. The seconds are those of the processor, so that other
work on the machine does not count.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "NUMBA_THREADING_LAYER": "workqueue"}

import simplemma
from llm_server import LlmServer, in_its_words

from ftm_ray.config import GateSettings, LlmSettings, RunConfig
from ftm_ray.lake.runs import RunFiles
from ftm_ray.lake.storage import Lake
from ftm_ray.naming import namer
from ftm_ray.naming.topic_names import TopicNamer
from ftm_ray.run.reduce import ThemePublisher
from ftm_ray.sources.prefetch import read_manifest
from ftm_ray.topics.finder import FirmTopicFinder


class TimedGuards:
    """`judge_answer`, with the seconds that it takes."""

    def __init__(self):
        self.judge, self.seconds, self.n = namer.judge_answer, 0.0, 0

    def __call__(self, *answer):
        begun = time.thread_time()
        judged = self.judge(*answer)
        self.seconds += time.thread_time() - begun
        self.n += 1
        return judged


class TimedPublisher(ThemePublisher):
    """Counts the seconds of the two steps that compare vectors."""

    support_s = 0.0

    def _with_support(self, *arguments):
        begun = time.thread_time()
        try:
            return super()._with_support(*arguments)
        finally:
            self.support_s += time.thread_time() - begun

    def _theme_support(self, *arguments):
        begun = time.thread_time()
        try:
            return super()._theme_support(*arguments)
        finally:
            self.support_s += time.thread_time() - begun


def find_topics(run: RunFiles, config: RunConfig) -> tuple[list, float]:
    """The topics of each batch, and the seconds that the map worked for them."""
    finder = FirmTopicFinder(config.embed, config.topics, "cpu", linked_only=False)
    batches = [store for _, store in run.stored_firms()]
    finder(batches[0].slice(0, 1))  # numba compiles and weights are read once an actor, which is no work of a batch
    begun = time.thread_time()
    found = [finder(batch) for batch in batches]
    return found, time.thread_time() - begun


async def name_topics(found: list, config: RunConfig) -> list:
    topic_namer = TopicNamer(namer.Namer(config.llm, "key", None))
    return [(await topic_namer(table)).table for table in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True)
    parser.add_argument("--quarter", required=True)
    options = parser.parse_args()
    begun = time.thread_time()
    simplemma.lemmatize("houses", lang="en")  # its dictionary is read once a process, and guards have one of their own
    of_dictionary = time.thread_time() - begun
    guards = namer.judge_answer = TimedGuards()
    with tempfile.TemporaryDirectory() as root, LlmServer(lambda _, body: in_its_words(body)) as server:
        shutil.copytree(f"{options.root}/prefetch", f"{root}/prefetch")
        llm = LlmSettings(endpoint=server.url, model="in-its-words", estimate_tokens=True)
        gates = GateSettings(
            min_llm_ratio=0.0, min_distinct_labels=0.0, min_support_auc=0.0
        )  # these answers are no names
        config = RunConfig(llm=llm, gates=gates)
        lake = Lake(root)
        run = RunFiles(lake, read_manifest(lake, options.quarter), "cost", f"{options.quarter}-cost")
        found, of_map = find_topics(run, config)
        named = asyncio.run(name_topics(found, config))
        of_topics, n_topics = guards.seconds, guards.n
        for batch, table in zip(run.manifest.batches, named, strict=True):
            lake.write_table(run.part_path(batch), table)
        publisher = TimedPublisher(config, "key")
        publisher.publish(run)
    print(f"map {of_map:.2f} s; guards of {n_topics} answers to topics {of_topics:.3f} s")
    print(f"guards of {guards.n - n_topics} answers to themes {guards.seconds - of_topics:.3f} s")
    print(f"the dictionary of the guards' process {of_dictionary:.3f} s")
    print(f"support of topics and themes {publisher.support_s:.3f} s")
    together = guards.seconds + of_dictionary + publisher.support_s
    print(f"together {together / of_map:.1%} of the map's time")


if __name__ == "__main__":
    main()
