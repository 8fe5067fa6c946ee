"""The six invented firms, published as a run publishes them, without Ray and without clustering.

A theme here is what was put into it by hand: the topics of one subject, so that a test can say what must come out. The
third firm's topic of each is only near.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from invented import QUARTER, counted_parts

from ftm_ray.lake.runs import RunFiles, with_digest
from ftm_ray.lake.storage import Lake
from ftm_ray.run.record import RunLog, run_record
from ftm_ray.run.reduce import ThemePublisher
from ftm_ray.themes.finder import FoundThemes, Theme
from ftm_ray.themes.topic_set import TopicSet
from ftm_ray.vectors.unit_vectors import mean_vector

#: A second quarter to publish the first one as.
NEXT = "2024Q2"


def publish(run: RunFiles, config: Any) -> RunFiles:
    """Publish a run whose parts are written: firms, sentences, topics, one theme a subject, and run.json."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ftm_ray.run.reduce.find_themes", one_theme_per_subject)
        report = ThemePublisher(config, api_key="none").publish(run)
    log = RunLog(seconds={"start": 1.0, "map": 2.0, "reduce": 3.0}, parts=counted_parts(run))
    record = with_digest(run_record(run, config, report, log))
    run.lake.write_json(run.lake.run_file(run.quarter, run.run_id), record)
    return run


def copy_run(source: Lake, target: Lake, run_id: str, quarter: str) -> None:
    """Publish a run again, in another lake or as another quarter."""
    record = source.read_json(source.run_file(QUARTER, run_id))
    files = {}
    for path, file in record["files"].items():
        table = source.read_table(path)
        for name in ("quarter", "theme_id"):
            if name in table.column_names:
                at = table.schema.get_field_index(name)
                values = [value.replace(QUARTER, quarter) for value in table[name].to_pylist()]
                table = table.set_column(at, table.schema.field(at), pa.array(values, pa.string()))
        copy = path.replace(QUARTER, quarter)
        target.write_table(copy, table)
        files[copy] = file | target.fingerprint(copy)
    target.write_json(target.run_file(quarter, run_id), with_digest(record | {"quarter": quarter, "files": files}))


def with_theme_columns(lake: Lake, quarter: str, **columns: Sequence[Any]) -> None:
    """Give the published themes of a quarter other values in some columns."""
    path = f"{lake.table_dir('themes', quarter)}/part-00000.parquet"
    table = lake.read_table(path)
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    lake.write_table(path, table)


def one_theme_per_subject(topics: TopicSet, *_: Any) -> FoundThemes:
    """Topics of the same number are of the same subject; subjects 0 and 1 are themes, subject 2 is none."""
    numbers = np.array(topics.topic_ids)
    themes = tuple(_theme(topics, tuple(np.flatnonzero(numbers == number).tolist())) for number in (0, 1))
    return FoundThemes(themes, int((numbers == 2).sum()), {})


def _theme(topics: TopicSet, rows: tuple[int, ...]) -> Theme:
    center = mean_vector(topics.embeddings[list(rows)])
    firms = tuple(topics.firm_ids[row] for row in rows)
    return Theme(
        rows=rows,
        similarities=tuple(float(value) for value in topics.embeddings[list(rows)] @ center),
        exemplar_rows=rows[:2],
        keywords=topics.keywords[rows[0]],
        embedding=center,
        top_firms=firms,
        n_firms=len(set(firms)),
        max_firm_ratio=1 / len(rows),
        near_rows=frozenset(rows[2:3]),
    )


class AxisEncoder:
    """Gives any question a vector as long as the invented topics' vectors."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.eye(8, dtype=np.float32)[: len(texts)]


def write_returns(path: Path, permnos: Iterable[int]) -> None:
    """Daily returns around the invented calls, small and without meaning, beside a market that hardly moves."""
    days = np.arange("2023-06-01", "2024-08-01", dtype="datetime64[D]")
    lines = [
        f"{permno},{day},{number * permno % 17 / 1000 - 0.008:.4f},0.001"
        for number, day in enumerate(days[np.is_busday(days)])
        for permno in permnos
    ]
    path.write_text("\n".join(["permno,date,ret,vwretd", *lines]) + "\n", encoding="utf-8")
