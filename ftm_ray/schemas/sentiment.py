"""The table for event studies."""

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
    ]
)
