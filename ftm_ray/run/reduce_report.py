"""What the last step did, for run.json: seconds, rows, and what became of the topics."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.lake.s3_traffic import S3Traffic
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.naming_quality import NamingQuality
from ftm_ray.themes.finder import FoundThemes


@dataclass(slots=True)
class ReduceReport:
    """What the last step did, for run.json: seconds per part of it, rows per file, and what became of the topics."""

    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    n_topics: int = 0
    n_topics_in_themes: int = 0
    n_topics_outliers: int = 0
    n_topics_in_invalid: dict[str, int] = field(default_factory=dict)
    firms_per_theme: list[int] = field(default_factory=list)
    mean_cohesion: float | None = None
    kinds: dict[str, int] = field(default_factory=dict)  # themes of each kind; empty where no kind can be told
    stability_classes: dict[str, int] = field(default_factory=dict)  # empty where stability was not measured
    seeds_ari: float | None = None
    n_groups: int = 0
    theme_account: LlmAccount = field(default_factory=LlmAccount)
    n_numbered_labels: int = 0
    topic_names: NamingQuality = field(default_factory=NamingQuality)
    theme_names: NamingQuality = field(default_factory=NamingQuality)
    theme_prompt: str | None = None
    topic_model_p: float | None = None  # mean of support_model_p
    theme_model_p: float | None = None
    traffic: S3Traffic = field(default_factory=S3Traffic)


def count_topics(report: ReduceReport, found: FoundThemes, tables: dict[str, pa.Table]) -> None:
    """Count what became of the topics.

    Args:
        report: Gets the counts.
        found: The themes.
        tables: The published tables topics and themes.
    """
    report.n_topics = tables["topics"].num_rows
    report.n_topics_in_themes = sum(len(theme.rows) for theme in found.themes)
    report.n_topics_outliers = found.n_outliers
    report.n_topics_in_invalid = found.n_in_invalid
    report.firms_per_theme = [theme.n_firms for theme in found.themes]
    report.seeds_ari = found.seeds_ari
    report.kinds = _counted(tables["themes"]["kind"])
    report.stability_classes = _counted(tables["themes"]["stability"])
    report.topic_model_p = pc.mean(tables["topics"]["support_model_p"]).as_py()
    report.theme_model_p = pc.mean(tables["themes"]["support_model_p"]).as_py()
    report.n_groups = len(tables["themes"]["group_id"].drop_null().unique())
    report.mean_cohesion = pc.mean(tables["themes"]["cohesion"]).as_py()


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each word stands in a column, nulls left out."""
    return dict(sorted(Counter(column.drop_null().to_pylist()).items()))
