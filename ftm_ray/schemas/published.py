"""The published tables: from theme to topic to sentence."""

import pyarrow as pa

from ftm_ray.schemas.columns import EMBEDDING, FIRM, required
from ftm_ray.schemas.parts import TOPIC
from ftm_ray.schemas.store import SENTENCE

#: Published: one row per firm of the prefetch store.
FIRMS = pa.schema(
    [
        *FIRM,
        required("status", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("method", pa.string()),
        required("n_sentences", pa.int32()),
        required("n_in_topics", pa.int32()),
        required("n_outliers", pa.int32()),
        required("n_dropped", pa.int32()),
        required("n_topics", pa.int32()),
        pa.field("npmi", pa.float64()),
        pa.field("diversity", pa.float64()),
        required("run_id", pa.string()),
    ]
)

#: Published: every sentence of every firm.
SENTENCES = pa.schema(
    [
        required("firm_id", pa.string()),
        *SENTENCE,
        pa.field("topic_id", pa.int32()),
        pa.field("drop_reason", pa.string()),
        required("quarter", pa.string()),
        required("run_id", pa.string()),
    ]
)

#: Published: one row per topic of a firm.
TOPICS = pa.schema(
    [
        required("firm_id", pa.string()),
        *(field for field in TOPIC if field.name not in ("exemplar_texts", "outcome", "refused_answer")),
        pa.field("support", pa.float64()),  # 0..1: how far the LLM's words are borne out; null for keywords
        pa.field("permno", pa.int64()),
        pa.field("gvkey", pa.string()),
        pa.field("support_model_p", pa.float64()),  # 0..1, by the support model; null where none was asked
        required("quarter", pa.string()),
        required("run_id", pa.string()),
    ]
)

#: Published: one row per valid theme.
THEMES = pa.schema(
    [
        required("theme_id", pa.string()),
        required("label", pa.string()),
        required("description", pa.string()),
        required("keywords", pa.list_(pa.string())),
        required("n_firms", pa.int32()),
        required("n_topics", pa.int32()),
        required("n_sentences", pa.int32()),
        required("top_firms", pa.list_(pa.string())),
        required("max_firm_ratio", pa.float64()),
        required("cohesion", pa.float64()),  # mean similarity of the theme's topics to its centre
        required("exemplar_topic_ids", pa.list_(pa.string())),  # "firm_id/topic_id", most telling first
        required("embedding", EMBEDDING),
        required("summary_source", pa.string()),
        pa.field("prompt_version", pa.string()),
        pa.field("llm_model", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
        pa.field("names_firm", pa.bool_()),
        pa.field("word_support", pa.float64()),
        pa.field("unsupported", pa.list_(pa.string())),
        pa.field("support", pa.float64()),
        pa.field("kind", pa.string()),  # subject, results or vague; null with another encoder than the bundled one
        pa.field("stability_seeds", pa.float64()),  # mean best Jaccard index over seeds; null where not measured
        pa.field("stability_firms", pa.float64()),  # the same over fits without a fifth of the firms
        pa.field("stability", pa.string()),  # the class of stability_seeds
        pa.field("group_id", pa.string()),  # theme of themes; null where a quarter has no more than 200 themes
        pa.field("group_label", pa.string()),
        pa.field("support_model_p", pa.float64()),
        required("quarter", pa.string()),
        required("run_id", pa.string()),
    ]
)

#: Published: one row per (theme, firm, topic).
THEME_TOPICS = pa.schema(
    [
        required("theme_id", pa.string()),
        required("firm_id", pa.string()),
        required("topic_id", pa.int32()),
        required("similarity", pa.float64()),
        pa.field("is_near", pa.bool_()),  # no cluster held the topic; it is as near as those of the theme
        required("n_sentences", pa.int32()),
        pa.field("permno", pa.int64()),
        required("quarter", pa.string()),
        required("run_id", pa.string()),
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
