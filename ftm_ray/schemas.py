"""Every table and record of ftm-ray, in one place. docs/data-contracts.md describes each column.

Tables are written with these schemas, never with inferred ones, and checked when they cross a boundary.
A missing value is null, never 0 or an empty string.
"""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from ftm_ray.errors import SourceError

#: HDBSCAN's mark for a sentence or topic that belongs to no cluster.
OUTLIER_TOPIC_ID = -1


class FirmStatus(StrEnum):
    """What became of a firm."""

    DONE = "done"  # has topics, or was looked at and has none
    SKIPPED = "skipped"  # too few sentences to look for topics, or no PERMNO
    FAILED = "failed"  # an error; the reason says which


class SummarySource(StrEnum):
    """Who wrote a representation."""

    LLM = "llm"
    KEYWORDS = "keywords"


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


_EMBEDDING = pa.list_(pa.float32())

SENTENCE = pa.struct(
    [
        _required("sentence_id", pa.string()),
        _required("transcript_id", pa.string()),
        _required("call_date", pa.date32()),
        _required("position", pa.int32()),
        pa.field("speaker_name", pa.string()),
        pa.field("speaker_type", pa.string()),
        pa.field("section", pa.string()),
        _required("raw_text", pa.string()),
        _required("cleaned_text", pa.string()),
    ]
)

_FIRM = [
    _required("firm_id", pa.string()),
    pa.field("firm_name", pa.string()),
    pa.field("permno", pa.int64()),
    pa.field("gvkey", pa.string()),
    pa.field("link_date", pa.date32()),
    _required("quarter", pa.string()),
    _required("n_calls", pa.int32()),
]

#: One row per firm and quarter: what prefetch writes and the map reads. No shuffle is ever needed.
PREFETCH = pa.schema([*_FIRM, _required("sentences", pa.list_(SENTENCE))])

#: One row per call that came in: kept or dropped, and why.
COVERAGE = pa.schema(
    [
        _required("firm_id", pa.string()),
        pa.field("firm_name", pa.string()),
        _required("transcript_id", pa.string()),
        pa.field("call_date", pa.date32()),
        _required("quarter", pa.string()),
        _required("kept", pa.bool_()),
        pa.field("reason", pa.string()),  # why the call was dropped
        _required("notes", pa.list_(pa.string())),  # what was repaired or is odd in a call, kept or not
        pa.field("permno", pa.int64()),
        pa.field("gvkey", pa.string()),
        _required("n_turns", pa.int32()),
        _required("n_sentences_in", pa.int32()),
        _required("n_sentences_kept", pa.int32()),
    ]
)

#: The earnings calls that WRDS lists for a quarter, fetched or left out: which version was read, and how it is linked.
WRDS_CALLS = pa.schema(
    [
        _required("companyid", pa.int64()),
        pa.field("companyname", pa.string()),
        _required("keydevid", pa.int64()),  # the call
        _required("transcriptid", pa.int64()),  # the version of its transcript that is read
        pa.field("headline", pa.string()),
        _required("call_date", pa.date32()),  # in UTC
        pa.field("call_time_utc", pa.string()),
        pa.field("collection_type", pa.string()),
        pa.field("presentation_type", pa.string()),  # Final or Preliminary
        pa.field("version_date", pa.date32()),
        pa.field("gvkey", pa.string()),
        pa.field("permno", pa.int64()),
        pa.field("linktype", pa.string()),
        pa.field("linkprim", pa.string()),
        _required("n_link", pa.int32()),  # links that hold on the day; over 1: one was chosen by rule
        pa.field("left_out", pa.string()),  # null = its text is fetched; else why not
    ]
)

#: What was said in them, as WRDS has it.
WRDS_TURNS = pa.schema(
    [
        _required("call", pa.int32()),  # row of the call in the table above
        _required("component_id", pa.int64()),
        pa.field("component_order", pa.int32()),
        pa.field("component_type_id", pa.int32()),
        pa.field("component_type", pa.string()),
        pa.field("speaker_type", pa.string()),
        pa.field("person", pa.string()),
        pa.field("title", pa.string()),  # the person's at their firm; null where unknown or not to be read
        pa.field("person_company", pa.string()),
        pa.field("text", pa.string()),
    ]
)

TOPIC = pa.struct(
    [
        _required("topic_id", pa.int32()),
        _required("representation", pa.string()),
        _required("label", pa.string()),
        _required("keywords", pa.list_(pa.string())),
        _required("summary_source", pa.string()),
        _required("n_sentences", pa.int32()),
        _required("sentence_ids", pa.list_(pa.string())),
        _required("exemplar_ids", pa.list_(pa.string())),
        _required("exemplar_texts", pa.list_(pa.string())),
        _required("embedding", _EMBEDDING),
        pa.field("prompt_version", pa.string()),
        pa.field("llm_model", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
        pa.field("names_firm", pa.bool_()),  # whether the LLM's words name the firm or a speaker; null for keywords
    ]
)

#: One row per firm: what the map writes, one part file per batch of firms. The two lists `topic_ids` and
#: `drop_reasons` follow the order of the firm's sentences in the prefetch store, so that no text is written twice.
FIRM_TOPICS = pa.schema(
    [
        *_FIRM,
        _required("status", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("method", pa.string()),
        _required("own_names", pa.list_(pa.string())),  # words that name the firm or its speakers, in lower case
        _required("n_sentences", pa.int32()),
        _required("topic_ids", pa.list_(pa.int32())),  # null = left out, -1 = outlier
        _required("drop_reasons", pa.list_(pa.string())),  # null = not left out
        _required("topics", pa.list_(TOPIC)),
        pa.field("npmi", pa.float64()),
        pa.field("diversity", pa.float64()),
        _required("embed_s", pa.float64()),
        _required("cluster_s", pa.float64()),
    ]
)

#: Published: one row per firm of the prefetch store.
FIRMS = pa.schema(
    [
        *_FIRM,
        _required("status", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("method", pa.string()),
        _required("n_sentences", pa.int32()),
        _required("n_in_topics", pa.int32()),
        _required("n_outliers", pa.int32()),
        _required("n_dropped", pa.int32()),
        _required("n_topics", pa.int32()),
        pa.field("npmi", pa.float64()),
        pa.field("diversity", pa.float64()),
        _required("run_id", pa.string()),
    ]
)

#: Published: every sentence of every firm.
SENTENCES = pa.schema(
    [
        _required("firm_id", pa.string()),
        *SENTENCE,
        pa.field("topic_id", pa.int32()),
        pa.field("drop_reason", pa.string()),
        _required("quarter", pa.string()),
        _required("run_id", pa.string()),
    ]
)

#: Published: one row per topic of a firm.
TOPICS = pa.schema(
    [
        _required("firm_id", pa.string()),
        *(field for field in TOPIC if field.name != "exemplar_texts"),
        pa.field("permno", pa.int64()),
        pa.field("gvkey", pa.string()),
        _required("quarter", pa.string()),
        _required("run_id", pa.string()),
    ]
)

#: Published: one row per valid theme.
THEMES = pa.schema(
    [
        _required("theme_id", pa.string()),
        _required("label", pa.string()),
        _required("description", pa.string()),
        _required("keywords", pa.list_(pa.string())),
        _required("n_firms", pa.int32()),
        _required("n_topics", pa.int32()),
        _required("n_sentences", pa.int32()),
        _required("top_firms", pa.list_(pa.string())),
        _required("max_firm_ratio", pa.float64()),
        _required("cohesion", pa.float64()),  # mean similarity of the theme's topics to its centre
        _required("exemplar_topic_ids", pa.list_(pa.string())),  # "firm_id/topic_id", most telling first
        _required("embedding", _EMBEDDING),
        _required("summary_source", pa.string()),
        pa.field("prompt_version", pa.string()),
        pa.field("llm_model", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
        pa.field("names_firm", pa.bool_()),
        _required("quarter", pa.string()),
        _required("run_id", pa.string()),
    ]
)

#: Published: one row per (theme, firm, topic).
THEME_TOPICS = pa.schema(
    [
        _required("theme_id", pa.string()),
        _required("firm_id", pa.string()),
        _required("topic_id", pa.int32()),
        _required("similarity", pa.float64()),
        _required("n_sentences", pa.int32()),
        pa.field("permno", pa.int64()),
        _required("quarter", pa.string()),
        _required("run_id", pa.string()),
    ]
)

#: Published where the source links firms: one row per (theme, firm, topic, call), so that every row has one event date.
SENTIMENT_READY = pa.schema(
    [
        _required("theme_id", pa.string()),
        _required("theme_name", pa.string()),
        _required("theme_description", pa.string()),
        _required("theme_keywords", pa.list_(pa.string())),
        _required("firm_id", pa.string()),
        pa.field("firm_name", pa.string()),
        _required("permno", pa.int64()),
        pa.field("gvkey", pa.string()),
        _required("earnings_call_date", pa.date32()),
        pa.field("link_date", pa.date32()),
        _required("transcript_id", pa.string()),
        _required("topic_id", pa.int32()),
        _required("topic_summary", pa.string()),
        _required(
            "sentences",
            pa.list_(
                pa.struct(
                    [
                        _required("sentence_id", pa.string()),
                        _required("text", pa.string()),
                        pa.field("speaker_type", pa.string()),
                        _required("position", pa.int32()),
                    ]
                )
            ),
        ),
        _required("n_sentences", pa.int32()),
        _required("quarter", pa.string()),
    ]
)

#: Answers of LLMs that were accepted, by the digest of the question: what was paid for once is never paid for again.
LLM_ANSWERS = pa.schema(
    [
        _required("question", pa.string()),  # digest of model, limits and the prompt to the letter
        _required("label", pa.string()),
        _required("text", pa.string()),
        _required("llm_model", pa.string()),
        _required("prompt_version", pa.string()),
        _required("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
    ]
)

_COMPARED_ANSWER = [
    pa.field("label", pa.string()),
    pa.field("summary", pa.string()),
    _required("outcome", pa.string()),
    _required("n_requests", pa.int32()),  # 2 where the first answer was refused or named a firm
    _required("seconds", pa.float64()),  # of all its requests, without waiting for a free slot
    _required("prompt_tokens", pa.int32()),
    _required("completion_tokens", pa.int32()),
    pa.field("names_firm", pa.bool_()),
    pa.field("to_sentences", pa.float64()),  # cosine of the summary to the mean of the topic's sentences
]

#: The same topics as two LLMs name them, a and b: one row per topic. Null texts are refused or missing answers.
LLM_COMPARISON = pa.schema(
    [
        _required("firm_id", pa.string()),
        pa.field("firm_name", pa.string()),
        _required("topic_id", pa.int32()),
        _required("keywords", pa.list_(pa.string())),
        _required("sentences", pa.list_(pa.string())),
        *(field.with_name(f"{side}_{field.name}") for side in "ab" for field in _COMPARED_ANSWER),
        pa.field("summaries_cosine", pa.float64()),
        pa.field("nearer", pa.string()),  # 'a' or 'b': whose summary is nearer to the topic's sentences
    ]
)

#: The published tables by name, as they stand under processed/.
PUBLISHED = {
    "firms": FIRMS,
    "sentences": SENTENCES,
    "topics": TOPICS,
    "themes": THEMES,
    "theme_topics": THEME_TOPICS,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """One unit of work of the map: one row group of one chunk of the prefetch store."""

    number: int  # running number over the quarter; names the part file
    chunk: str  # file name inside the quarter's prefetch folder
    row_group: int
    firm_ids: tuple[str, ...]
    n_sentences: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the prefetch store of one quarter holds. `digest` changes whenever any of it does."""

    quarter: str
    source: str  # 'files' or 'wrds'
    linked: bool  # whether the source links firms to PERMNO
    digest: str
    n_firms: int
    n_calls: int
    n_sentences: int
    batches: tuple[Batch, ...]


def check_table(table: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """Return the table if it has exactly this schema and no null where none is allowed.

    Raises:
        SourceError: A column is missing, too many, of another type, or null where it must not be.
    """
    if table.schema.names != schema.names:
        raise SourceError(f"{where}: expected the columns {schema.names}, got {table.schema.names}")
    for field in schema:
        column = table.column(field.name)
        if column.type != field.type:
            raise SourceError(f"{where}: column '{field.name}' is {column.type}, expected {field.type}")
        if not field.nullable and column.null_count:
            raise SourceError(f"{where}: column '{field.name}' has {column.null_count} nulls, expected none")
    return table
