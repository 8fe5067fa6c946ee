"""What must hold before anything is published: few firms failed, and the LLM named nearly everything.

A run that says it succeeded and returns keyword lists is broken; so below these limits it ends with exit code 3.
"""

from collections import Counter

from ftm_ray.config import RunConfig
from ftm_ray.errors import QualityError
from ftm_ray.lake.runs import RunFiles
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.publish import SUMMARY_SOURCE, summary_sources
from ftm_ray.schemas.parts import FirmStatus, SummarySource
from ftm_ray.text.keyword_names import Name


def check_parts(run: RunFiles, config: RunConfig, account: LlmAccount) -> None:
    """The gates before anything is published.

    Args:
        run: Its part files are looked at.
        config: Holds the limits.
        account: What became of the questions of this run; the message says it.
    """
    statuses: list[str] = []
    sources: list[str] = []
    reasons = Counter[str]()
    for _, part in run.parts(["status", "reason", SUMMARY_SOURCE]):
        statuses += part["status"].to_pylist()
        reasons.update(reason for reason in part["reason"].to_pylist() if reason)
        sources += summary_sources(part)
    n_failed = statuses.count(FirmStatus.FAILED.value)
    if n_failed > config.gates.max_failed_ratio * len(statuses):
        raise QualityError(
            f"{n_failed} of {len(statuses)} firms of {run.quarter} failed, more than max_failed_ratio "
            f"{config.gates.max_failed_ratio}; nothing was published. `ftm status {run.quarter}` shows the reasons"
        )
    if FirmStatus.DONE.value not in statuses:
        raise QualityError(
            f"no firm of {run.quarter} has topics; the commonest reason: {reasons.most_common(1)[0][0]}. Nothing was "
            "published. If no firm has a PERMNO, check that --links names the firms as the transcripts do"
        )
    n_named = sources.count(SummarySource.LLM.value)
    if config.llm.endpoint != "none" and n_named < config.gates.min_llm_ratio * len(sources):
        raise QualityError(
            f"the LLM at {config.llm.endpoint} named {n_named} of {len(sources)} topics of {run.quarter}, fewer than "
            f"min_llm_ratio {config.gates.min_llm_ratio}{_outcomes(account)}; nothing was published. Check the "
            "endpoint (`ftm doctor`) and run the same command again: it names only what is missing"
        )


def check_theme_names(run: RunFiles, config: RunConfig, names: list[Name], account: LlmAccount) -> None:
    """Themes pass the same gate as topics: the endpoint may have died in between."""
    if config.llm.endpoint == "none":
        return
    n_named = sum(name.summary_source == SummarySource.LLM.value for name in names)
    if n_named < config.gates.min_llm_ratio * len(names):
        raise QualityError(
            f"the LLM at {config.llm.endpoint} described {n_named} of {len(names)} themes of {run.quarter}, fewer than "
            f"min_llm_ratio {config.gates.min_llm_ratio}{_outcomes(account)}; nothing was published. Check the "
            "endpoint (`ftm doctor`) and run the same command again: the topics' names are kept"
        )


def _outcomes(account: LlmAccount) -> str:
    """How the questions ended, commonest first; docs/naming.md explains the words."""
    ended = sorted(account.outcomes.items(), key=lambda item: (-item[1], item[0]))
    return f" ({', '.join(f'{outcome} {n:,}' for outcome, n in ended)})" if ended else ""
