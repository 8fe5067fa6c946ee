"""The record of a run (run.json): settings, counts that add up, seconds, quality, environment, hashes.

It is written last and proves that the run is whole. `ftm status` and `ftm verify` read it. Its seconds, and what they
cost, are the only clock in a run's files.
"""

import platform
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.config import RunConfig
from ftm_ray.lake.code_version import code_version
from ftm_ray.lake.runs import RunFiles
from ftm_ray.lake.s3_traffic import S3Traffic
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.counts import PartCounts
from ftm_ray.run.reduce_report import ReduceReport
from ftm_ray.schemas.parts import SummarySource
from ftm_ray.schemas.store import Manifest

_LIBRARIES = ("ray", "pyarrow", "numpy", "torch", "sentence-transformers", "bertopic", "umap-learn", "hdbscan", "cuml")


@dataclass(slots=True)
class RunLog:
    """What this run of the command did until the themes; an earlier one that was stopped has done the rest.

    Attributes:
        seconds: By step.
        check: What the question before the map cost.
        topics: What the naming of topics cost.
        parts: What is in all part files, whichever run made them.
        endpoint: Where the LLM answered; null without one.
        tokenizer: What counted the tokens of prompts; null where they were estimated.
        started: When the command began, in seconds since 1970.
        starting_s: Seconds in which the cloud had a machine and Ray not yet, by node type of the cluster file.
        traffic: What the map's actors asked of S3.
        n_actors: Topic actors that were asked for.
        n_batches_before: Batches whose parts an earlier run has made and paid for.
        cost: What `spending.py` made of all this; null where nobody asked.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    check: LlmAccount = field(default_factory=LlmAccount)
    topics: LlmAccount = field(default_factory=LlmAccount)
    parts: PartCounts = field(default_factory=PartCounts)
    endpoint: str | None = None
    tokenizer: str | None = None
    started: float = field(default_factory=time.time)
    starting_s: Counter[str] = field(default_factory=Counter)
    traffic: S3Traffic = field(default_factory=S3Traffic)
    n_actors: int = 0
    n_batches_before: int = 0
    cost: dict[str, Any] | None = None


def run_record(run: RunFiles, config: RunConfig, report: ReduceReport, log: RunLog) -> dict[str, Any]:
    """run.json: what was done, with which settings, how well, and for how much."""
    firms = run.lake.read_table(run.table_path("firms"))
    themes = asdict(report)
    seconds = log.seconds | {name: round(getattr(log.parts, name), 3) for name in ("embed_s", "cluster_s")}
    files = {path: run.lake.fingerprint(path) | {"rows": n} for path, n in report.rows.items()}
    return {
        "run_id": run.run_id,
        "map_id": run.map_id,
        "quarter": run.quarter,
        "code_version": code_version(),
        "config": config.model_dump(mode="json"),
        "prefetch": _prefetch_counts(run.manifest),
        "counts": firm_counts(firms)
        | sentence_counts(firms)
        | {name: themes[name] for name in themes if name.startswith("n_topics")}
        | {"dropped_by_reason": dict(sorted(log.parts.drop_reasons.items()))},
        "quality": quality_numbers(firms, themes),
        "naming": _naming_counts(log.parts) | {"n_numbered_labels": report.n_numbered_labels} | _naming_quality(report),
        "llm": _llm_record(log, report),
        "sentiment_ready": run.manifest.linked or "not made: the source has no PERMNO links (give --links to prefetch)",
        "seconds": seconds | report.seconds,
        "cost": log.cost,
        "environment": environment(),
        "files": files,
    }


def _prefetch_counts(manifest: Manifest) -> dict[str, Any]:
    names = ("source", "linked", "digest", "n_firms", "n_calls", "n_sentences")
    return {name: getattr(manifest, name) for name in names}


def _naming_counts(parts: PartCounts) -> dict[str, int]:
    """Who named the topics, and what the LLM's answers among them took, whichever run asked for them."""
    return {
        "n_llm": parts.sources[SummarySource.LLM.value],
        "n_keywords": parts.n_unnamed,
        "n_names_firm": parts.n_names_firm,
        "prompt_tokens": parts.prompt_tokens,
        "completion_tokens": parts.completion_tokens,
    }


def _naming_quality(report: ReduceReport) -> dict[str, Any]:
    """What the LLM's names are worth, taken together; null where there are none or too few."""
    topics, themes = report.topic_names, report.theme_names
    return {
        "support_auc": _rounded(topics.support_auc),
        "theme_support_auc": _rounded(themes.support_auc),
        "distinct_labels": _rounded(topics.distinct_labels),
        "n_unsupported": topics.n_unsupported,
        "support_model_p": _rounded(report.topic_model_p),
        "theme_support_model_p": _rounded(report.theme_model_p),
    }


def _llm_record(log: RunLog, report: ReduceReport) -> dict[str, Any] | None:
    """What this run asked the LLM, by phase; null without one."""
    if log.endpoint is None:
        return None
    accounts = {"check": log.check, "topics": log.topics, "themes": report.theme_account}
    answered_by = {"endpoint": log.endpoint, "tokenizer": log.tokenizer}
    return answered_by | {phase: _rounded_account(account) for phase, account in accounts.items()}


def _rounded_account(account: LlmAccount) -> dict[str, Any]:
    return asdict(account) | {"request_s": round(account.request_s, 3)}


def environment() -> dict[str, str]:
    """Machine and library versions, for run.json."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # cuml is only on GPU machines
    return found


def sentence_counts(firms: pa.Table) -> dict[str, int]:
    """Where the sentences of a quarter went; the parts add up to the whole."""
    return {
        "n_sentences": _total(firms, "n_sentences"),
        "n_in_topics": _total(firms, "n_in_topics"),
        "n_outliers": _total(firms, "n_outliers"),
        "n_dropped": _total(firms, "n_dropped"),
    }


def firm_counts(firms: pa.Table) -> dict[str, int]:
    """Where the firms of a quarter went; the parts add up to the whole."""
    status = firms["status"].to_pylist()
    return {"n_firms": len(status)} | {f"n_{name}": status.count(name) for name in ("done", "failed", "skipped")}


def quality_numbers(firms: pa.Table, topics_per_theme: Mapping[str, Any]) -> dict[str, Any]:
    """The quality numbers of a run; see docs/quality.md for what is usual."""
    counts = sentence_counts(firms)
    clustered = counts["n_in_topics"] + counts["n_outliers"]
    done = firms.filter(pc.equal(firms["status"], "done"))
    firms_per_theme = topics_per_theme["firms_per_theme"]
    n_topics = topics_per_theme["n_topics"]
    return {
        "npmi_coherence": _rounded(pc.mean(done["npmi"]).as_py()),
        "topic_diversity": _rounded(pc.mean(done["diversity"]).as_py()),
        "outlier_ratio": _rounded(counts["n_outliers"] / clustered if clustered else None),
        "dropped_ratio": _rounded(counts["n_dropped"] / counts["n_sentences"] if counts["n_sentences"] else None),
        "topics_per_firm": _rounded(pc.mean(done["n_topics"]).as_py()),
        "theme_coverage": _rounded(topics_per_theme["n_topics_in_themes"] / n_topics if n_topics else None),
        "n_themes": len(firms_per_theme),
        "median_firms_per_theme": float(np.median(firms_per_theme)) if firms_per_theme else None,
        "theme_cohesion": _rounded(topics_per_theme["mean_cohesion"]),
        "theme_kinds": topics_per_theme["kinds"] or None,
        "theme_stability": topics_per_theme["stability_classes"] or None,
        "seeds_ari": _rounded(topics_per_theme["seeds_ari"]),
        "n_theme_groups": topics_per_theme["n_groups"] or None,
    }


def _total(table: pa.Table, column: str) -> int:
    return int(pc.sum(table[column]).as_py() or 0)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
