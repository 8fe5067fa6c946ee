"""What must hold before anything is published: few firms failed, and the LLM named nearly everything.

A run that says it succeeded and returns keyword lists is broken; so below these limits it ends with exit code 3.
"""

from collections.abc import Callable

from ftm_ray.config import RunConfig
from ftm_ray.errors import QualityError
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.answer_words import OUTCOME_MEANINGS, answer_lines
from ftm_ray.run.counts import PartCounts
from ftm_ray.run.naming_quality import NamingQuality, beside
from ftm_ray.schemas.parts import FirmStatus, SummarySource
from ftm_ray.text.keyword_names import Name

#: Fewer names than this say nothing about a model.
_ENOUGH_NAMES = 10

#: So many refused answers are shown.
_N_SHOWN = 3


def check_parts(quarter: str, config: RunConfig, counts: PartCounts, account: LlmAccount) -> None:
    """The gates before anything is published.

    Args:
        quarter: For the messages.
        config: Holds the limits.
        counts: What is in all parts together.
        account: What became of the questions of this run; the message says it.

    Raises:
        QualityError: Too many firms failed, none has topics, or the LLM named too few of them.
    """
    if counts.n_failed > config.gates.max_failed_ratio * counts.n_firms:
        raise QualityError(
            f"{counts.n_failed} of {counts.n_firms} firms of {quarter} failed, more than max_failed_ratio "
            f"{config.gates.max_failed_ratio}; nothing was published. `ftm status {quarter}` shows the reasons"
        )
    if not counts.statuses[FirmStatus.DONE.value]:
        commonest = min(counts.reasons, key=lambda reason: (-counts.reasons[reason], reason))
        raise QualityError(
            f"no firm of {quarter} has topics; the commonest reason: {commonest}. Nothing was "
            "published. If no firm has a PERMNO, check that --links names the firms as the transcripts do"
        )
    n_named = counts.sources[SummarySource.LLM.value]
    if config.llm.endpoint != "none" and n_named < config.gates.min_llm_ratio * counts.n_topics:
        raise QualityError(
            f"the LLM at {config.llm.endpoint} named {n_named} of {counts.n_topics} topics of {quarter}, fewer than "
            f"min_llm_ratio {config.gates.min_llm_ratio}{_outcomes(account)}; nothing was published. {_advice(account)}"
        )


def check_theme_names(quarter: str, config: RunConfig, names: list[Name], account: LlmAccount) -> None:
    """Themes pass the same gate as topics: the endpoint may have died in between."""
    if config.llm.endpoint == "none":
        return
    n_named = sum(name.summary_source == SummarySource.LLM.value for name in names)
    if n_named < config.gates.min_llm_ratio * len(names):
        raise QualityError(
            f"the LLM at {config.llm.endpoint} described {n_named} of {len(names)} themes of {quarter}, fewer than "
            f"min_llm_ratio {config.gates.min_llm_ratio}{_outcomes(account)}; nothing was published. {_advice(account)}"
        )


def check_naming(
    quarter: str, config: RunConfig, quality: NamingQuality, what: str, worst: Callable[[], list[str]]
) -> None:
    """What the names are worth, taken together: do they differ, and do they fit their own sentences better than others?

    Args:
        quarter: For the messages.
        config: Holds the limits.
        quality: The numbers.
        what: 'topics' or 'themes'.
        worst: Gives the worst names beside their sentences; called only where a gate is closed.

    Raises:
        QualityError: Too few labels differ, or the texts fit their own sentences hardly better than those of others.
    """
    advice = (
        "nothing was published. Read these, and give another model (--llm-model); names that were paid for are kept"
    )
    distinct, auc = quality.distinct_labels, quality.support_auc
    if quality.n_named >= _ENOUGH_NAMES and distinct is not None and distinct < config.gates.min_distinct_labels:
        raise QualityError(
            f"the {quality.n_named:,} {what} of {quarter} that the LLM named share labels: {distinct:.2f} of them are "
            f"different, less than min_distinct_labels {config.gates.min_distinct_labels}; {advice}:{''.join(worst())}"
        )
    if quality.n_compared >= _ENOUGH_NAMES and auc is not None and auc < config.gates.min_support_auc:
        raise QualityError(
            f"what the LLM says of the {what} of {quarter} fits their own sentences hardly better than those of others "
            f"(AUC {auc:.2f}, less than min_support_auc {config.gates.min_support_auc}; 0.5 is chance); "
            f"{advice}:{''.join(worst())}"
        )


def _advice(account: LlmAccount) -> str:
    """What to do: another model where answers were refused, another try where none came."""
    refused = sorted(
        account.refused.values(), key=lambda row: (-account.outcomes.get(row["outcome"], 0), row["outcome"])
    )
    if not refused:
        return "Check the endpoint (`ftm doctor`) and run the same command again: it names only what is missing"
    shown = (beside(_in_words(row["outcome"], row["content"]), row["sentences"], "asked about") for row in refused)
    return (
        "Refused answers are kept and not asked again: give another model (--llm-model), or check how this one is "
        f"served (`ftm doctor`). Some of what was refused (docs/naming.md):{''.join(list(shown)[:_N_SHOWN])}"
    )


def _in_words(outcome: str, content: str | None) -> str:
    """A refused answer and why it was refused: looped, says the same over and over: "A product" / "It is a ..."."""
    answer = " / ".join(f'"{line}"' for line in answer_lines(content)) or "no answer"
    return f"{outcome}, {OUTCOME_MEANINGS.get(outcome, 'refused')}: {answer}"


def _outcomes(account: LlmAccount) -> str:
    """How the questions ended, commonest first; docs/naming.md explains the words."""
    ended = sorted(account.outcomes.items(), key=lambda item: (-item[1], item[0]))
    return f" ({', '.join(f'{outcome} {n:,}' for outcome, n in ended)})" if ended else ""
