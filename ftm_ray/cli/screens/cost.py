"""What a run has cost, in one line: for `ftm run`, `ftm status` and `ftm verify`."""

from collections.abc import Mapping
from typing import Any

from ftm_ray.cli.progress import duration
from ftm_ray.cli.screens.shapes import counted
from ftm_ray.machines.cost import THIS_MACHINE


def cost_line(record: Mapping[str, Any]) -> str | None:
    """The line; None for a run of a version that did not reckon."""
    cost = record.get("cost")
    if cost is None:
        return None
    parts = "; ".join([*map(_node_words, cost["nodes"]), *_s3_words(cost["s3"]), *_llm_words(cost["llm"])])
    if cost["usd"] is None:
        missing = ", ".join(cost["missing_prices"])
        line = f"not known, as a price is missing: {missing} (--prices, docs/plan.md). {parts}"
    elif cost["usd"] == 0:
        line = f"$0: {parts}"
    else:
        per_topics = cost["usd_per_1000_topics"]
        each = f"{dollars(cost['usd_per_firm'])} a firm"
        each += f", {dollars(per_topics)} per 1,000 topics" if per_topics is not None else ""
        line = f"{dollars(cost['usd'])}, {each}: {parts}"
    if cost["n_batches_before"]:
        line += f"; {counted(cost['n_batches_before'], 'batch')} made by an earlier run, whose cost is not in it"
    return line


def dollars(usd: float) -> str:
    """$12.30; below a dollar with the digits that say something."""
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.2g}"


def _node_words(node: Mapping[str, Any]) -> str:
    took = duration(node["node_s"] + node["starting_s"])
    if node["type"] == THIS_MACHINE:
        return f"{took} of this machine"
    price = "no price" if node["usd_per_hour"] is None else f"${node['usd_per_hour']:g} an hour"
    market = f" {node['market']}" if node["market"] else ""
    return f"{node['n_nodes']} x {node['type']}{market}, together {took} at {price}"


def _s3_words(s3: Mapping[str, Any] | None) -> list[str]:
    if s3 is None:
        return []
    n = sum(s3[name] for name in ("n_puts", "n_lists", "n_gets", "n_deletes"))
    return [f"{counted(n, 'request')} to S3, {s3['bytes_up'] / 1e6:,.1f} MB up, {s3['bytes_down'] / 1e6:,.1f} MB down"]


def _llm_words(llm: Mapping[str, Any] | None) -> list[str]:
    if llm is None:
        return []
    return [f"{llm['prompt_tokens']:,} tokens to {llm['model']}, {llm['completion_tokens']:,} from it"]
