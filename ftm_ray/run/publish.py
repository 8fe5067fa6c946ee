"""What a researcher gets: parts and themes become the published tables.

Runs in the final actor. Each part is read once, one at a time; what is kept of all of them is what the themes need at
once: firms, topics, and a few bytes per sentence. Rows are ordered by firm and sentence, by firm and topic, by theme
and firm: by content, never by arrival. Columns are moved whole in Arrow; no embedding becomes a Python list.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import RunFiles
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID, check_table
from ftm_ray.schemas.published import FIRMS, SENTENCES, THEME_TOPICS, THEMES, TOPICS
from ftm_ray.schemas.store import Batch
from ftm_ray.text.keyword_names import Name
from ftm_ray.themes.finder import FoundThemes

#: A name, and how far it is borne out (0 to 1); null for one of keywords.
SupportedName = tuple[Name, float | None]

#: Columns of `firms` that part files do not hold.
_MADE_HERE = ("n_in_topics", "n_outliers", "n_dropped", "n_topics", "run_id")


@dataclass(frozen=True, slots=True)
class SentenceTopics:
    """Where the sentences of one batch went, in the order of the prefetch store.

    Attributes:
        firm_ids: The firms of the batch.
        n_sentences: Of each of them.
        topic_ids: Of each sentence, firm after firm; null = left out, -1 = outlier.
        drop_reasons: As topic_ids; null = not left out. One byte or so a sentence: the few reasons are kept once.
    """

    firm_ids: pa.Array
    n_sentences: pa.Array
    topic_ids: pa.Array
    drop_reasons: pa.DictionaryArray


@dataclass(frozen=True, slots=True)
class QuarterParts:
    """What the last step needs of all parts.

    Attributes:
        firms: The published table `firms`: what became of each firm, with counts that add up.
        topics: The published table `topics`, ordered by firm and topic.
        own_names: `firm_id` and `own_names`, the words that name a firm or its speakers.
        sentence_topics: One per batch.
    """

    firms: pa.Table
    topics: pa.Table
    own_names: pa.Table
    sentence_topics: tuple[SentenceTopics, ...]


def read_parts(run: RunFiles) -> QuarterParts:
    """Read each part once.

    Raises:
        SourceError: A part is missing.
    """
    firms, topics, own_names, sentence_topics = [], [], [], []
    for _, part in run.parts():
        firms.append(_firms(run, part))
        topics.append(_topics(run, part))
        own_names.append(part.select(["firm_id", "own_names"]))
        sentence_topics.append(_sentence_topics(part))
    return QuarterParts(
        firms=pa.concat_tables(firms).sort_by("firm_id"),
        topics=pa.concat_tables(topics).sort_by([("firm_id", "ascending"), ("topic_id", "ascending")]),
        own_names=pa.concat_tables(own_names),
        sentence_topics=tuple(sentence_topics),
    )


def sentences_table(run: RunFiles, batch: Batch, store: pa.Table, found: SentenceTopics) -> pa.Table:
    """The published sentences of one batch: the text of the prefetch store with the map's topic of each.

    Args:
        run: For quarter and id.
        batch: Which one.
        store: Its row group of the prefetch store.
        found: What the map made of it.

    Raises:
        SourceError: The two do not belong together.
    """
    column = _joined(store["sentences"])
    same_firms = _joined(store["firm_id"]).equals(found.firm_ids)
    if not same_firms or not pc.list_value_length(column).equals(found.n_sentences):
        raise SourceError(
            f"{run.lake.full_path(run.part_path(batch))} does not fit {batch.chunk}: the prefetch store was changed "
            "after the map; delete the part file and run again"
        )
    table = pa.Table.from_struct_array(pc.list_flatten(column))
    table = table.append_column("firm_id", store["firm_id"].take(pc.list_parent_indices(column)))
    table = table.append_column("topic_id", found.topic_ids)
    table = table.append_column("drop_reason", found.drop_reasons)
    return _finished(table, SENTENCES, run)


@dataclass(frozen=True, slots=True)
class NamedTheme:
    """What is said of a theme beside what it is made of.

    Attributes:
        name: The LLM's, or its keywords.
        support: How far the LLM's is borne out, 0 to 1.
        kind: subject, results or vague; None where that cannot be told.
        group: Number of its group, and what the group is called; None where themes are in no groups.
        support_model_p: How likely the LLM's is borne out, as the support model says.
    """

    name: Name
    support: float | None = None
    kind: str | None = None
    group: tuple[int, str] | None = None
    support_model_p: float | None = None


def themes_table(run: RunFiles, found: FoundThemes, named: list[NamedTheme], topics: pa.Table) -> pa.Table:
    """The published table `themes`, in the order in which they were found.

    Args:
        run: For quarter and id.
        found: The themes; their rows are those of `topics`.
        named: One for each theme.
        topics: The published table.
    """
    firm_ids, topic_ids = topics["firm_id"].to_pylist(), topics["topic_id"].to_pylist()
    n_sentences = topics["n_sentences"].to_numpy()
    rows = []
    for number, (theme, said) in enumerate(zip(found.themes, named, strict=True), start=1):
        columns = said.name.as_columns() | {"support": said.support}
        group, group_label = said.group or (None, None)
        rows.append(
            columns
            | {
                "theme_id": _theme_id(run, number),
                "description": columns.pop("representation"),
                "keywords": list(theme.keywords),
                "n_firms": theme.n_firms,
                "n_topics": len(theme.rows),
                "n_sentences": int(n_sentences[list(theme.rows)].sum()),
                "top_firms": list(theme.top_firms),
                "max_firm_ratio": theme.max_firm_ratio,
                "cohesion": float(np.mean(theme.similarities)),
                "exemplar_topic_ids": [f"{firm_ids[row]}/{topic_ids[row]}" for row in theme.exemplar_rows],
                "embedding": theme.embedding.tolist(),
                "kind": said.kind,
                "stability_seeds": theme.stability.seeds,
                "stability_firms": theme.stability.firms,
                "stability": theme.stability.of_class,
                "group_id": None if group is None else f"{run.quarter}-G{group + 1:02d}",
                "group_label": group_label,
                "support_model_p": said.support_model_p,
                "quarter": run.quarter,
                "run_id": run.run_id,
            }
        )
    return pa.Table.from_pylist(rows, schema=THEMES)


def theme_topics_table(run: RunFiles, found: FoundThemes, topics: pa.Table) -> pa.Table:
    """The published table `theme_topics`, ordered by theme, firm and topic."""
    rows = [row for theme in found.themes for row in theme.rows]
    theme_ids = [_theme_id(run, n) for n, theme in enumerate(found.themes, start=1) for _ in theme.rows]
    similarities = [value for theme in found.themes for value in theme.similarities]
    table = topics.select(["firm_id", "topic_id", "n_sentences", "permno"]).take(pa.array(rows, pa.int64()))
    table = table.append_column("theme_id", pa.array(theme_ids, pa.string()))
    table = table.append_column("similarity", pa.array(similarities, pa.float64()))
    is_near = [row in theme.near_rows for theme in found.themes for row in theme.rows]
    table = table.append_column("is_near", pa.array(is_near, pa.bool_()))
    order = [("theme_id", "ascending"), ("firm_id", "ascending"), ("topic_id", "ascending")]
    return _finished(table, THEME_TOPICS, run).sort_by(order)


def _theme_id(run: RunFiles, number: int) -> str:
    return f"{run.quarter}-{number:04d}"


def _firms(run: RunFiles, part: pa.Table) -> pa.Table:
    in_topics, outliers, dropped = _sentence_counts(part)
    table = part.select([field.name for field in FIRMS if field.name not in _MADE_HERE])
    table = table.append_column("n_in_topics", pa.array(in_topics, pa.int32()))
    table = table.append_column("n_outliers", pa.array(outliers, pa.int32()))
    table = table.append_column("n_dropped", pa.array(dropped, pa.int32()))
    table = table.append_column("n_topics", pc.list_value_length(part["topics"]))
    return _finished(table, FIRMS, run)


def _topics(run: RunFiles, part: pa.Table) -> pa.Table:
    column = _joined(part["topics"])
    topics = pa.Table.from_struct_array(pc.list_flatten(column))
    firms = part.select(["firm_id", "permno", "gvkey"]).take(pc.list_parent_indices(column))
    for name in firms.column_names:
        topics = topics.append_column(name, firms[name])
    for name in ("support", "support_model_p"):  # made in the last step: reduce.py
        topics = topics.append_column(name, pa.nulls(topics.num_rows, pa.float64()))
    return _finished(topics, TOPICS, run)


def _sentence_topics(part: pa.Table) -> SentenceTopics:
    topic_ids = _joined(part["topic_ids"])
    return SentenceTopics(
        firm_ids=_joined(part["firm_id"]),
        n_sentences=pc.list_value_length(topic_ids),
        topic_ids=pc.list_flatten(topic_ids),
        drop_reasons=pc.list_flatten(_joined(part["drop_reasons"])).dictionary_encode(),
    )


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


def _finished(table: pa.Table, schema: pa.Schema, run: RunFiles) -> pa.Table:
    """Add what all published tables carry, put the columns in order, and check them."""
    for name, value in (("quarter", run.quarter), ("run_id", run.run_id)):
        if name in schema.names and name not in table.column_names:
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
    return check_table(table.select(schema.names).cast(schema), schema, f"published {run.quarter}")


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
