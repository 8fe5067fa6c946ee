"""The part of `ftm verify` that looks at kept vectors: one for each sentence that was not left out, all of length 1."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.lake.published_files import read_published
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import vector_files
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.schemas.vectors import SENTENCE_VECTORS, sentence_vectors_schema
from ftm_ray.vectors.small_vectors import SmallVectors

#: Rounding to 127 steps moves the length of a vector by far less.
_LENGTH_TOLERANCE = 0.02


def check_vectors(lake: Lake, record: Mapping[str, Any]) -> list[Check]:
    """The check of the vectors; none where the run kept none.

    Args:
        lake: Where the quarter is published.
        record: run.json.
    """
    paths = vector_files(lake, record)
    wanted = bool(record["config"].get("keep_vectors"))
    if not paths:
        return [make_check("vectors", "", ["run.json says keep_vectors, but lists no file of them"])] if wanted else []
    problems, n_vectors, n_bytes = [], 0, 0
    for path in paths:
        try:
            n, found = _file_problems(lake, path, record)
        except SourceError as error:
            n, found = 0, [str(error)]
        problems += found
        n_vectors += n
        n_bytes += record["files"][path]["bytes"]
    counted = record["counts"]["n_in_topics"] + record["counts"]["n_outliers"]
    if not problems and n_vectors != counted:
        problems.append(f"{n_vectors:,} vectors, run.json has {counted:,} sentences that were not left out")
    seen = f"{n_vectors:,} sentences that were not left out have each their vector, {n_bytes / 1e6:,.1f} MB"
    return [make_check("vectors", seen, problems)]


def _file_problems(lake: Lake, path: str, record: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Rows of a file, and what is wrong with it."""
    kind = lake.read_table(path, ["vector"]).schema.field("vector").type
    vectors = read_published(lake, path, sentence_vectors_schema(getattr(kind, "byte_width", 0) or 1))
    sentences = lake.read_table(
        path.replace(f"/{SENTENCE_VECTORS}/", "/sentences/"), ["sentence_id", "firm_id", "topic_id"]
    )
    kept = sentences.filter(pc.is_valid(sentences["topic_id"]))
    problems = []
    if vectors.num_rows != record["files"][path]["rows"]:
        problems.append(f"{path} has {vectors.num_rows} rows, run.json says {record['files'][path]['rows']}")
    if any(vectors[name].to_pylist() != kept[name].to_pylist() for name in ("sentence_id", "firm_id")):
        problems.append(
            f"{path} does not hold the sentences of its file that were not left out, each once and in order"
        )
    small = SmallVectors.from_columns(vectors["vector"], vectors["scale"])
    lengths = np.linalg.norm(small.numbers.astype(np.float32), axis=1) * small.scales
    n_wrong = int((np.abs(lengths - 1) > _LENGTH_TOLERANCE).sum())
    problems += [f"{path}: {n_wrong} vectors are not of length 1"] if n_wrong else []
    others = set(vectors["run_id"].unique().to_pylist()) - {record["run_id"]}
    return vectors.num_rows, problems + [f"{path} has rows of run {value}" for value in sorted(others)]
