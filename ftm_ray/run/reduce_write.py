"""The files of a publication: firms first, then all others, and what an earlier run left goes."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.lake.published_files import write_published
from ftm_ray.lake.runs import RunFiles
from ftm_ray.run.publish import QuarterParts, sentences_table
from ftm_ray.run.reduce_report import ReduceReport
from ftm_ray.run.sentiment import SentimentRows
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.sentiment import SENTIMENT_READY
from ftm_ray.schemas.store import Batch
from ftm_ray.schemas.vectors import SENTENCE_VECTORS, sentence_vectors_schema


def write_tables(
    run: RunFiles, report: ReduceReport, parts: QuarterParts, tables: dict[str, pa.Table], keep_vectors: bool = False
) -> None:
    """Write all files of the quarter, firms first, and remove those of an earlier run that are left over."""
    for name, table in tables.items():
        _write_table(run, report, run.table_path(name), table)
    sentences = _written_sentences(run, report, parts, keep_vectors)
    sentiment = run.lake.sentiment_file(run.quarter)
    if run.manifest.linked:
        rows = map(SentimentRows(tables, _call_times(run)).of_batch, sentences)
        report.rows[sentiment] = write_published(run.lake, sentiment, SENTIMENT_READY, rows)
    else:
        for _ in sentences:  # they are written on the way
            continue
        run.lake.delete_file(sentiment)
    for name in (*PUBLISHED, SENTENCE_VECTORS):
        folder = run.lake.table_dir(name, run.quarter)
        run.lake.delete_leftovers(folder)
        for file in run.lake.list_files(folder):
            if f"{folder}/{file}" not in report.rows:
                run.lake.delete_file(f"{folder}/{file}")


def _call_times(run: RunFiles) -> dict[tuple[str, str], str]:
    """Time of the calls whose time is known; stores of earlier versions hold none."""
    path = f"{run.lake.prefetch_dir(run.quarter)}/coverage.parquet"
    columns = run.lake.read_table(path, ["firm_id", "transcript_id", "call_time"]) if run.lake.exists(path) else None
    if columns is None or "call_time" not in columns.column_names:
        return {}
    return {(row["firm_id"], row["transcript_id"]): row["call_time"] for row in columns.to_pylist() if row["call_time"]}


def _written_sentences(
    run: RunFiles, report: ReduceReport, parts: QuarterParts, keep_vectors: bool
) -> Iterator[pa.Table]:
    """Write the sentences of batch after batch, and hand each table on, so that none is made twice."""
    for (batch, store), found in zip(run.stored_firms(), parts.sentence_topics, strict=True):
        table = sentences_table(run, batch, store, found)
        _write_table(run, report, run.table_path("sentences", batch.number), table)
        if keep_vectors:
            path = run.table_path(SENTENCE_VECTORS, batch.number)
            _write_table(run, report, path, _sentence_vectors(run, batch, table))
        yield table


def _sentence_vectors(run: RunFiles, batch: Batch, sentences: pa.Table) -> pa.Table:
    """The vectors that the map kept of a batch, each with its sentence's firm.

    Raises:
        SourceError: They are missing, or not those of the sentences that were not left out.
    """
    vectors = run.lake.read_sealed(run.vectors_path(batch))
    kept = sentences.filter(pc.is_valid(sentences["topic_id"]))
    if not kept["sentence_id"].combine_chunks().equals(vectors["sentence_id"].combine_chunks()):
        raise SourceError(
            f"{run.lake.full_path(run.vectors_path(batch))} has not the vectors of the sentences of batch "
            f"{batch.number}; delete it and {run.lake.full_path(run.part_path(batch))}, and run again"
        )
    table = kept.select(["firm_id", "quarter", "run_id"])
    for name in vectors.column_names:
        table = table.append_column(vectors.schema.field(name), vectors[name])
    schema = sentence_vectors_schema(vectors.schema.field("vector").type.byte_width)
    return check_table(table.select(schema.names).cast(schema), schema, run.table_path(SENTENCE_VECTORS, batch.number))


def _write_table(run: RunFiles, report: ReduceReport, path: str, table: pa.Table) -> None:
    report.rows[path] = write_published(run.lake, path, table.schema, [table])
