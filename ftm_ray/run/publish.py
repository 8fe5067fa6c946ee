"""What a researcher gets: parts and themes become the published tables.

Runs in the final actor, one part at a time, so that memory does not grow with the quarter. Rows are ordered by firm
and sentence, by firm and topic, by theme and firm: by content, never by arrival. Columns are moved whole in Arrow;
no embedding becomes a Python list.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import RunFiles
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID, check_table
from ftm_ray.schemas.published import FIRMS, SENTENCES, TOPICS
from ftm_ray.schemas.sentiment import SENTIMENT_READY
from ftm_ray.schemas.store import Batch

#: Where single fields of topics lie in the part files; reading `topics` whole would load all embeddings.
TOPIC_NAMES = "topics.list.element."
SUMMARY_SOURCE = TOPIC_NAMES + "summary_source"


def firms_table(run: RunFiles) -> pa.Table:
    """The published table `firms`: what became of each firm, with counts that add up."""
    columns = [f.name for f in FIRMS if f.name not in {"n_in_topics", "n_outliers", "n_dropped", "n_topics", "run_id"}]
    tables = []
    for _, part in run.parts([*columns, "topic_ids", "topics"]):
        in_topics, outliers, dropped = _sentence_counts(part)
        table = part.select(columns)
        table = table.append_column("n_in_topics", pa.array(in_topics, pa.int32()))
        table = table.append_column("n_outliers", pa.array(outliers, pa.int32()))
        table = table.append_column("n_dropped", pa.array(dropped, pa.int32()))
        table = table.append_column("n_topics", pc.list_value_length(part["topics"]))
        tables.append(finish_table(table, FIRMS, run))
    return pa.concat_tables(tables).sort_by("firm_id")


def topics_table(run: RunFiles) -> pa.Table:
    """The published table `topics`, ordered by firm and topic."""
    tables = []
    for _, part in run.parts(["firm_id", "permno", "gvkey", "topics"]):
        firm_of_topic = pc.list_parent_indices(_joined(part["topics"]))
        topics = pa.Table.from_struct_array(pc.list_flatten(_joined(part["topics"])))
        firms = part.select(["firm_id", "permno", "gvkey"]).take(firm_of_topic)
        for name in firms.column_names:
            topics = topics.append_column(name, firms[name])
        tables.append(finish_table(topics, TOPICS, run))
    return pa.concat_tables(tables).sort_by([("firm_id", "ascending"), ("topic_id", "ascending")])


def summary_sources(part: pa.Table) -> list[str]:
    """Who named each topic of a part, 'llm' or 'keywords', in order."""
    topics = pc.list_flatten(_joined(part["topics"]))
    return list(pc.struct_field(topics, "summary_source").to_pylist())


def sentences_table(run: RunFiles, batch: Batch, part: pa.Table) -> pa.Table:
    """The published sentences of one batch: the text of the prefetch store with the map's topic of each."""
    store = run.lake.read_row_group(f"{run.lake.prefetch_dir(run.quarter)}/{batch.chunk}", batch.row_group)
    n_said = pc.list_value_length(_joined(store["sentences"]))
    n_sorted = pc.list_value_length(_joined(part["topic_ids"]))
    if not store["firm_id"].equals(part["firm_id"]) or not n_said.equals(n_sorted):
        raise SourceError(
            f"{run.lake.full_path(run.part_path(batch))} does not fit {batch.chunk}: the prefetch store was changed "
            "after the map; delete the part file and run again"
        )
    said = pa.Table.from_struct_array(pc.list_flatten(_joined(store["sentences"])))
    firm_of_sentence = pc.list_parent_indices(_joined(store["sentences"]))
    table = said.append_column("firm_id", store["firm_id"].take(firm_of_sentence))
    table = table.append_column("topic_id", pc.list_flatten(_joined(part["topic_ids"])))
    table = table.append_column("drop_reason", pc.list_flatten(_joined(part["drop_reasons"])))
    return finish_table(table, SENTENCES, run)


def sentiment_rows(run: RunFiles, themes: pa.Table, theme_topics: pa.Table) -> Iterator[pa.Table]:
    """The sentiment-ready table, one batch of firms at a time: one row per (theme, firm, topic, call)."""
    theme_of = {
        (firm_id, topic_id): theme_id
        for theme_id, firm_id, topic_id in zip(
            *(theme_topics[name].to_pylist() for name in ("theme_id", "firm_id", "topic_id")), strict=True
        )
    }
    theme_rows = {theme["theme_id"]: theme for theme in themes.drop(["embedding"]).to_pylist()}
    for batch, part in run.parts():
        said = sentences_table(run, batch, part)
        firms = part.drop(["topics", "topic_ids", "drop_reasons"]).to_pylist()
        summaries = _topic_summaries(part)
        rows = []
        for key, spoken in _by_topic_and_call(said):
            firm_id, topic_id, transcript_id = key
            theme_id = theme_of.get((firm_id, topic_id))
            firm = next(firm for firm in firms if firm["firm_id"] == firm_id)
            if theme_id is None or firm["permno"] is None:
                continue
            rows.append(
                _sentiment_row(theme_rows[theme_id], firm, spoken)
                | {"topic_id": topic_id, "transcript_id": transcript_id, "topic_summary": summaries[firm_id, topic_id]}
            )
        yield pa.Table.from_pylist(rows, schema=SENTIMENT_READY)


def _sentiment_row(theme: dict[str, Any], firm: dict[str, Any], spoken: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "theme_id": theme["theme_id"],
        "theme_name": theme["label"],
        "theme_description": theme["description"],
        "theme_keywords": theme["keywords"],
        "firm_id": firm["firm_id"],
        "firm_name": firm["firm_name"],
        "permno": firm["permno"],
        "gvkey": firm["gvkey"],
        "earnings_call_date": spoken[0]["call_date"],
        "link_date": firm["link_date"],
        "sentences": [
            {
                "sentence_id": sentence["sentence_id"],
                "text": sentence["raw_text"],
                "speaker_type": sentence["speaker_type"],
                "position": sentence["position"],
            }
            for sentence in spoken
        ],
        "n_sentences": len(spoken),
        "quarter": firm["quarter"],
    }


def _by_topic_and_call(said: pa.Table) -> Iterator[tuple[tuple[str, int, str], list[dict[str, Any]]]]:
    """Sentences in topics, grouped by (firm, topic, call) and ordered by them."""
    in_topic = pc.fill_null(pc.greater(said["topic_id"], OUTLIER_TOPIC_ID), False)
    groups: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for sentence in said.filter(in_topic).drop(["cleaned_text"]).to_pylist():
        key = (sentence["firm_id"], sentence["topic_id"], sentence["transcript_id"])
        groups.setdefault(key, []).append(sentence)
    yield from sorted(groups.items(), key=lambda item: item[0])


def _topic_summaries(part: pa.Table) -> dict[tuple[str, int], str]:
    column = _joined(part["topics"])
    topics = pc.list_flatten(column)
    firm_ids = part["firm_id"].take(pc.list_parent_indices(column)).to_pylist()
    ids = pc.struct_field(topics, "topic_id").to_pylist()
    texts = pc.struct_field(topics, "representation").to_pylist()
    return {(firm, topic): text for firm, topic, text in zip(firm_ids, ids, texts, strict=True)}


def _sentence_counts(part: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sentences in topics, outliers, and left out, per firm of a part."""
    column = _joined(part["topic_ids"])
    firm = pc.list_parent_indices(column).to_numpy()
    topic_id = pc.fill_null(pc.list_flatten(column), OUTLIER_TOPIC_ID - 1).to_numpy()
    n = part.num_rows
    return (
        np.bincount(firm[topic_id > OUTLIER_TOPIC_ID], minlength=n),
        np.bincount(firm[topic_id == OUTLIER_TOPIC_ID], minlength=n),
        np.bincount(firm[topic_id < OUTLIER_TOPIC_ID], minlength=n),
    )


def finish_table(table: pa.Table, schema: pa.Schema, run: RunFiles) -> pa.Table:
    """Add what all published tables carry, put the columns in order, and check them."""
    for name, value in (("quarter", run.quarter), ("run_id", run.run_id)):
        if name in schema.names and name not in table.column_names:
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
    return check_table(table.select(schema.names).cast(schema), schema, f"published {run.quarter}")


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
