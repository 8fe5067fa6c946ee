"""What the map writes: one part file per batch of firms."""

from enum import StrEnum

import pyarrow as pa

from ftm_ray.schemas.columns import EMBEDDING, FIRM, required


class FirmStatus(StrEnum):
    """What became of a firm."""

    DONE = "done"  # has topics, or was looked at and has none
    SKIPPED = "skipped"  # too few sentences to look for topics, or no PERMNO
    FAILED = "failed"  # an error; the reason says which


class SummarySource(StrEnum):
    """Who wrote a representation."""

    LLM = "llm"
    KEYWORDS = "keywords"


TOPIC = pa.struct(
    [
        required("topic_id", pa.int32()),
        required("representation", pa.string()),
        required("label", pa.string()),
        required("keywords", pa.list_(pa.string())),
        required("summary_source", pa.string()),
        required("n_sentences", pa.int32()),
        required("sentence_ids", pa.list_(pa.string())),
        required("exemplar_ids", pa.list_(pa.string())),
        required("exemplar_texts", pa.list_(pa.string())),
        required("embedding", EMBEDDING),
        pa.field("prompt_version", pa.string()),
        pa.field("llm_model", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
        pa.field("names_firm", pa.bool_()),  # whether the LLM's words name the firm or a speaker; null for keywords
        pa.field("word_support", pa.float64()),  # share of the LLM's content words that were said; null for keywords
        pa.field("unsupported", pa.list_(pa.string())),  # names in the LLM's words that nobody said
        pa.field("outcome", pa.string()),  # how the question to the LLM ended; null where none was asked
        pa.field("refused_answer", pa.string()),  # what the LLM said, to the letter, where that was refused
    ]
)


#: One row per firm: what the map writes, one part file per batch of firms. The two lists `topic_ids` and
#: `drop_reasons` follow the order of the firm's sentences in the prefetch store, so that no text is written twice.
FIRM_TOPICS = pa.schema(
    [
        *FIRM,
        required("status", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("method", pa.string()),
        required("own_names", pa.list_(pa.string())),  # words that name the firm or its speakers, in lower case
        required("n_sentences", pa.int32()),
        required("topic_ids", pa.list_(pa.int32())),  # null = left out, -1 = outlier
        required("drop_reasons", pa.list_(pa.string())),  # null = not left out
        required("topics", pa.list_(TOPIC)),
        pa.field("npmi", pa.float64()),
        pa.field("diversity", pa.float64()),
        required("embed_s", pa.float64()),
        required("cluster_s", pa.float64()),
    ]
)
