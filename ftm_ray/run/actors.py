"""What each actor of the map does with one batch of firms. Plain Python: `datasets.py` gives these classes to Ray.

A batch sets out as a reference, one row with its number, chunk and row group, and travels on as one table with the
column `batch`, its number, beside the columns of FIRM_TOPICS. The
naming actor adds what it asked: its account and one prompt, for the driver. Each actor adds what its process asked of
S3 since it last told. Only a row of counts reaches the driver.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pyarrow as pa
from pydantic import SecretStr

from ftm_ray.config import RunConfig
from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import RunFiles
from ftm_ray.lake.s3_traffic import S3Traffic, taken
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.naming.namer import Namer
from ftm_ray.naming.topic_names import TopicNamer
from ftm_ray.run.attempts import Attempts, FirmAttempts, FirmWatch
from ftm_ray.run.counts import count_part
from ftm_ray.run.loading import Loaded
from ftm_ray.schemas.parts import FIRM_TOPICS
from ftm_ray.topics.finder import FirmTopicFinder

#: What of a part reaches the driver: what is in it (PartCounts as JSON), what its naming cost (an LlmAccount as JSON),
#: one of its prompts, and what was asked of S3 on the way (an S3Traffic as JSON).
COUNTS = "counts"
ACCOUNT = "llm_account"
PROMPT = "llm_prompt"
TRAFFIC = "s3_traffic"


class PartReader:
    """Reads one part file again, to name what is missing in it."""

    def __init__(self, run: RunFiles) -> None:
        self._run = run

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        for row in table.to_pylist():
            path = self._run.part_path(self._run.manifest.batches[row["batch"]])
            yield _with_traffic(_with_batch(self._run.lake.read_sealed(path), row["batch"]))


class TopicFinder:
    """The map actor: reads a batch, embeds and clusters, firm by firm.

    A row is a reference to a batch (ADR 0001). Ray Data calls it from two threads: while one batch is worked on, by a
    thread that never changes (numba and torch want it so), the other call reads the next one.

    Args:
        run: Whose map.
        config: Of the run.
        linked_only: Skip firms without PERMNO.
        device: 'cpu' or 'cuda'.
        attempts: Outlives this process; None = nobody starts another one.
    """

    def __init__(
        self, run: RunFiles, config: RunConfig, linked_only: bool, device: str, attempts: Attempts | None = None
    ) -> None:
        self._run = run
        self._watch = FirmWatch(attempts or FirmAttempts(), config.cluster.firm_limit_s)
        self._work = ThreadPoolExecutor(max_workers=1, thread_name_prefix="topics")
        self._finder = Loaded(lambda: self._work.submit(_firm_topic_finder, config, linked_only, device).result())

    def __call__(self, table: pa.Table) -> pa.Table:
        finder = self._finder.get()
        (row,) = table.to_pylist()
        path = f"{self._run.lake.prefetch_dir(self._run.quarter)}/{row['chunk']}"
        firms = self._run.lake.read_row_group(path, row["row_group"])
        found = self._work.submit(finder.find, firms, self._watch).result()
        if found.vectors is not None:  # before the part, whose existence says that the batch is done
            vectors_path = self._run.vectors_path(self._run.manifest.batches[row["batch"]])
            self._run.lake.write_sealed(vectors_path, found.vectors)
        return _with_traffic(_with_batch(found.topics, row["batch"]))


def _firm_topic_finder(config: RunConfig, linked_only: bool, device: str) -> FirmTopicFinder:
    if device == "cpu":
        _share_the_cores()
    return FirmTopicFinder(config.embed, config.topics, device, linked_only, config.keep_vectors)


class PartNamer:
    """The naming actor: many questions at once to the LLM endpoint."""

    def __init__(self, run: RunFiles, config: RunConfig, api_key: SecretStr) -> None:
        answers = AnswerStore(run.lake, run.quarter, config.model_variant())
        self._topic_namer = TopicNamer(Namer(config.llm, api_key.get_secret_value(), answers))

    async def __call__(self, table: pa.Table) -> pa.Table:
        named = await self._topic_namer(table.select(FIRM_TOPICS.names))
        with_account = _with_batch(named.table, table["batch"][0].as_py())
        for column, value in ((ACCOUNT, json.dumps(asdict(named.account))), (PROMPT, named.prompt)):
            values = pa.array([value] * table.num_rows, pa.string())
            with_account = with_account.append_column(column, values)
        return _with_traffic(with_account, table)


class PartWriter:
    """Writes the part file of a batch, whole or not at all, and gives the driver a row of counts."""

    def __init__(self, run: RunFiles) -> None:
        self._run = run

    def __call__(self, table: pa.Table) -> pa.Table:
        batch = self._run.manifest.batches[table["batch"][0].as_py()]
        part = table.select(FIRM_TOPICS.names)
        if part["firm_id"].to_pylist() != list(batch.firm_ids):
            raise SourceError(
                f"batch {batch.number} of {self._run.quarter} holds other firms than the manifest says; "
                "the prefetch store was changed while the run went on: run `ftm prefetch` again"
            )
        self._run.lake.write_sealed(self._run.part_path(batch), part)
        row = {"batch": batch.number, "n_sentences": batch.n_sentences, COUNTS: count_part(part).to_json()}
        row |= {name: table[name][0].as_py() for name in (ACCOUNT, PROMPT) if name in table.column_names}
        row[TRAFFIC] = json.dumps(asdict(_traffic_so_far(table)))
        return pa.table({name: [value] for name, value in row.items()})


def _with_batch(table: pa.Table, batch: int) -> pa.Table:
    return table.append_column("batch", pa.array([batch] * table.num_rows, pa.int64()))


def _with_traffic(table: pa.Table, came_with: pa.Table | None = None) -> pa.Table:
    """A batch with what was asked of S3 for it, and for nothing else that has told yet.

    A process cannot say for which of its batches it asked (one is read while another is worked on); the sum is right.
    """
    traffic = json.dumps(asdict(_traffic_so_far(table if came_with is None else came_with)))
    return table.append_column(TRAFFIC, pa.array([traffic] * table.num_rows, pa.string()))


def _traffic_so_far(table: pa.Table) -> S3Traffic:
    """What the actors before told of a batch, and what this process has not told yet."""
    traffic = S3Traffic(**json.loads(table[TRAFFIC][0].as_py())) if TRAFFIC in table.column_names else S3Traffic()
    traffic.add(taken())
    return traffic


def _share_the_cores() -> None:
    """One thread, and behind those who mostly wait: the naming actor's short work must not queue behind long fits."""
    import torch

    torch.set_num_threads(1)
    os.nice(19)  # the last in line; 10 was measured too, and still held the naming actor up (docs/benchmarks.md)
