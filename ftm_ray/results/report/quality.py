"""How far a quarter can be trusted, in lines that a person reads: what run.json says of coverage, themes and names."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ftm_ray.naming.outcomes import Outcome


def quality_lines(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value, in the order in which they are read.

    Args:
        record: run.json; lines that an earlier version did not write are left out.
    """
    counts, quality = record["counts"], record["quality"]
    sentences = counts["n_sentences"]
    lines = [
        ("Firms", _firms(counts)),
        ("Calls", f"{record['prefetch']['n_calls']:,}"),
        (
            "Sentences",
            f"{sentences:,}: {_part(counts['n_in_topics'], sentences)} in topics, "
            f"{_part(counts['n_outliers'], sentences)} fit no topic, {_part(counts['n_dropped'], sentences)} left out",
        ),
        (
            "Topics",
            f"{counts['n_topics']:,}, of which {_part(counts['n_topics_in_themes'], counts['n_topics'])} in a theme",
        ),
        ("Themes", f"{quality['n_themes']:,}{_classes(quality.get('theme_kinds'))}"),
    ]
    if quality.get("theme_stability"):
        lines.append(("Stability of themes", _listed(quality["theme_stability"])))
    lines.append(("Topics named by", _named_by(record)))
    lines += _refused(record)
    lines += [
        ("Run", f"{record['run_id']}, version {record['code_version']}"),
        ("Encoder", _model_name(str(record["config"]["embed"]["model"]))),
    ]
    return lines


def _firms(counts: Mapping[str, Any]) -> str:
    rest = [f"{counts[name]:,} {word}" for name, word in (("n_skipped", "skipped"), ("n_failed", "failed"))]
    return f"{counts['n_firms']:,}: {counts['n_done']:,} done, {', '.join(rest)}"


def _part(n: int, of: int) -> str:
    return f"{n:,} ({100 * n / of:.0f} %)" if of else f"{n:,}"


def _classes(counts: Mapping[str, int] | None) -> str:
    return f": {_listed(counts)}" if counts else ""


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items())


def _named_by(record: Mapping[str, Any]) -> str:
    naming = record["naming"]
    if not naming["n_llm"]:
        return "keywords, by no LLM"
    model = _model_name(str(record["config"]["llm"]["model"]))
    return f"an LLM {naming['n_llm']:,} ({model}), keywords {naming['n_keywords']:,}"


def _model_name(model: str) -> str:
    """A model's name; of one that lies in a folder the last part, since the page may be handed on."""
    return PurePath(model).name if model.startswith("/") else model


def _refused(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the questions of this run ended that got no name; nothing where no LLM was asked."""
    llm = record.get("llm")
    if not llm:
        return []
    found = []
    for phase in ("topics", "themes"):
        outcomes = {name: n for name, n in llm[phase]["outcomes"].items() if name != Outcome.NAMED}
        found.append((f"Answers refused or missing, {phase}", _listed(outcomes) or "none"))
    return found
