"""The part of `ftm verify` that counts again: sentences, firms and topics, each accounted for."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from ftm_ray.results.verify.check import count_differences
from ftm_ray.results.verify.sentences import SentenceTally
from ftm_ray.results.verify.tables import Tables
from ftm_ray.schemas.parts import FirmStatus


def sentence_words(tally: SentenceTally) -> str:
    """Where all sentences are, in words."""
    left_out = sum(tally.dropped.values())
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(tally.dropped.items()))
    return f"{tally.n_in_topics:,} in topics + {tally.n_outliers:,} outliers + {left_out:,} left out ({reasons})"


def sentence_count_problems(record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> list[str]:
    """Sentences = in topics + outliers + dropped with a reason, for each firm and in all."""
    problems = list(tally.count_problems)
    names = ("n_sentences", "n_in_topics", "n_outliers", "n_dropped")
    for firm in tables.firms.to_pylist():
        counted = tally.firms.get(firm["firm_id"], (0, 0, 0))
        if counted != tuple(firm[name] for name in names[1:]) or sum(counted) != firm["n_sentences"]:
            problems.append(f"firm {firm['firm_id']}: table firms and its sentences disagree")
    problems += [f"firm {firm_id} has sentences, but no row in table firms" for firm_id in sorted(
        set(tally.firms) - set(tables.firms["firm_id"].to_pylist())
    )]  # fmt: skip
    totals = {name: int(pc.sum(tables.firms[name]).as_py() or 0) for name in names}
    problems += count_differences(totals, record["counts"], "table firms")
    problems += count_differences({"n_sentences": totals["n_sentences"]}, record["prefetch"], "table firms")
    return problems


def firm_count_problems(record: Mapping[str, Any], tables: Tables) -> list[str]:
    """Firms = done + failed + skipped = firms of the prefetch store; failed and skipped ones say why."""
    statuses = Counter(tables.firms["status"].to_pylist())
    counted = {"n_firms": tables.firms.num_rows} | {f"n_{name}": statuses[name] for name in FirmStatus}
    problems = count_differences(counted, record["counts"], "table firms")
    problems += count_differences({"n_firms": tables.firms.num_rows}, record["prefetch"], "table firms")
    problems += [
        f"{n} firms have the unknown status '{name}'" for name, n in statuses.items() if name not in set(FirmStatus)
    ]
    if len(set(tables.firms["firm_id"].to_pylist())) != tables.firms.num_rows:
        problems.append("a firm stands twice in table firms")
    silent = tables.firms.filter(
        pc.and_(pc.not_equal(tables.firms["status"], "done"), pc.is_null(tables.firms["reason"]))
    )
    problems += [f"firm {firm_id} was not done and no reason is given" for firm_id in silent["firm_id"].to_pylist()]
    return problems


def topic_count_problems(record: Mapping[str, Any], tables: Tables) -> list[str]:
    """Topics = in themes + like no others + in groups that are no theme; topics per firm as table firms says."""
    counts = record["counts"]
    counted = {"n_topics": tables.topics.num_rows, "n_topics_in_themes": tables.theme_topics.num_rows}
    problems = count_differences(counted, counts, "the tables")
    parts = counts["n_topics_in_themes"] + counts["n_topics_outliers"] + sum(counts["n_topics_in_invalid"].values())
    if parts != counts["n_topics"]:
        problems.append(f"run.json: the parts of n_topics add up to {parts:,}, not {counts['n_topics']:,}")
    per_firm = Counter(tables.topics["firm_id"].to_pylist())
    for firm in tables.firms.select(["firm_id", "n_topics"]).to_pylist():
        if per_firm[firm["firm_id"]] != firm["n_topics"]:
            problems.append(
                f"firm {firm['firm_id']}: {per_firm[firm['firm_id']]} topics, table firms says {firm['n_topics']}"
            )
    return problems
