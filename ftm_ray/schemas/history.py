"""Themes over quarters: lineage, and attention. Rows are only ever added (docs/lineage.md)."""

import pyarrow as pa

from ftm_ray.schemas.columns import required

_KNOWN = [
    required("knowledge_time", pa.timestamp("us", tz="UTC")),  # when its quarter was over
    required("registry_version", pa.int32()),
    required("run_id", pa.string()),
    required("quarter", pa.string()),
]

#: One row per theme of a quarter, and one per theme of before that ended or fell silent in it (theme_id null).
LINEAGE = pa.schema(
    [
        required("theme_uid", pa.string()),
        pa.field("theme_id", pa.string()),
        required("edge", pa.string()),
        pa.field("parent_uid", pa.string()),  # split: out of which theme; absorb: into which
        pa.field("cosine", pa.float64()),
        pa.field("flow_in", pa.float64()),
        pa.field("flow_out", pa.float64()),
        pa.field("margin", pa.float64()),  # score above that of the second best theme of before
        pa.field("gate", pa.float64()),  # null in a registry's first quarter
        pa.field(
            "theme_label", pa.string()
        ),  # what the theme is called over quarters; null, as what follows, at its end
        pa.field("quarter_label", pa.string()),  # what the quarter's own run calls it
        pa.field("naming", pa.string()),  # named, held, kept, renamed: history/names.py
        pa.field("label_quarter", pa.string()),  # in which the name was given, or last found to fit
        pa.field("label_cosine", pa.float64()),  # to the centre of then, as it was before this quarter decided
        required("encoder", pa.string()),
        required("settings_digest", pa.string()),
        *_KNOWN,
    ]
)

#: One row per theme of a quarter.
ATTENTION = pa.schema(
    [
        required("theme_uid", pa.string()),
        required("theme_id", pa.string()),
        required("firm_share", pa.float64()),  # of all firms with topics
        required("topic_share", pa.float64()),
        required("sentence_share", pa.float64()),  # of all sentences in topics
        pa.field("n_firms_both", pa.int32()),  # firms with topics in this quarter and in the one before
        pa.field("firm_share_both", pa.float64()),
        pa.field("firm_share_before", pa.float64()),
        pa.field("change", pa.float64()),
        pa.field("z_themes", pa.float64()),  # against the changes of all themes of the quarter
        pa.field("z_past", pa.float64()),  # against the theme's own past changes; null for fewer than four
        pa.field("surprise", pa.float64()),
        *_KNOWN,
    ]
)

#: Tables over quarters by name, as they stand under processed/.
HISTORY = {"lineage": LINEAGE, "attention": ATTENTION}
