"""The table for event studies, and the sentiment of what was said."""

import pyarrow as pa

from ftm_ray.schemas.columns import required

#: Published where the source links firms: one row per (theme, firm, topic, call), so that every row has one event date.
SENTIMENT_READY = pa.schema(
    [
        required("theme_id", pa.string()),
        required("theme_name", pa.string()),
        required("theme_description", pa.string()),
        required("theme_keywords", pa.list_(pa.string())),
        required("firm_id", pa.string()),
        pa.field("firm_name", pa.string()),
        required("permno", pa.int64()),
        pa.field("gvkey", pa.string()),
        required("earnings_call_date", pa.date32()),
        pa.field("link_date", pa.date32()),
        required("transcript_id", pa.string()),
        required("topic_id", pa.int32()),
        required("topic_summary", pa.string()),
        required(
            "sentences",
            pa.list_(
                pa.struct(
                    [
                        required("sentence_id", pa.string()),
                        required("text", pa.string()),
                        pa.field("speaker_type", pa.string()),
                        required("position", pa.int32()),
                    ]
                )
            ),
        ),
        required("n_sentences", pa.int32()),
        required("quarter", pa.string()),
        pa.field(
            "earnings_call_time", pa.string()
        ),  # ISO 8601, with its distance to UTC where the source says the zone
        pa.field("is_near", pa.bool_()),  # of the topic, as in theme_topics
    ]
)

#: What a sentiment model said, by the digest of the text: what was computed once is never computed again.
SCORED_TEXTS = pa.schema(
    [
        required("text_digest", pa.string()),
        required("p_pos", pa.float64()),
        required("p_neg", pa.float64()),
        pa.field("p_neu", pa.float64()),  # null: the model has no neutral class
        required("precision", pa.string()),  # bf16 or fp32: what it was computed in
    ]
)

#: Words of a list, counted; null where no list was given, or the list lacks the category.
_WORD_COUNTS = (
    "n_words", "lm_positive", "lm_negated", "lm_negative", "lm_uncertainty", "lm_litigious", "lm_strong_modal",
    "lm_weak_modal", "lm_constraining",
)  # fmt: skip

#: Published by `ftm sentiment`: one row per sentence of a theme.
SENTENCE_SENTIMENT = pa.schema(
    [
        required("sentence_id", pa.string()),
        required("firm_id", pa.string()),
        required("theme_id", pa.string()),
        *(field for field in SCORED_TEXTS if field.name != "text_digest"),
        *(pa.field(name, pa.int32()) for name in _WORD_COUNTS),
        required("model_digest", pa.string()),
        required("quarter", pa.string()),
        required("run_id", pa.string()),
    ]
)

#: Published by `ftm sentiment`: one row per theme, firm, call and speaker group.
THEME_SENTIMENT = pa.schema(
    [
        required("theme_id", pa.string()),
        required("firm_id", pa.string()),
        required("transcript_id", pa.string()),
        required("speaker_group", pa.string()),
        required("call_date", pa.date32()),
        pa.field("permno", pa.int64()),
        required("score", pa.float64()),  # mean of p_pos - p_neg over its sentences
        pa.field("score_std", pa.float64()),  # null for a single sentence
        required("n_sentences", pa.int64()),
        *(pa.field(name, pa.int64()) for name in _WORD_COUNTS),
        pa.field("lm_score", pa.float64()),
        required("model_digest", pa.string()),
        required("quarter", pa.string()),
        required("run_id", pa.string()),
    ]
)

#: The tables that `ftm sentiment` publishes, by name, as they stand under processed/.
SENTIMENT_TABLES = {"sentence_sentiment": SENTENCE_SENTIMENT, "theme_sentiment": THEME_SENTIMENT}
