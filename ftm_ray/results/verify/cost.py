"""Whether what a run says it has cost is the sum of its parts, each of them its amount times its price."""

from collections.abc import Iterator, Mapping
from typing import Any

from ftm_ray.results.verify.check import Check, make_check

#: Parts are rounded to a millionth of a dollar each, seconds to a thousandth.
_ROUNDING, _ROUNDING_S = 1e-5, 1e-3


def check_cost(record: Mapping[str, Any]) -> list[Check]:
    """One check; none for a run of a version that did not reckon.

    Args:
        record: run.json.
    """
    cost = record.get("cost")
    if cost is None:
        return []
    if cost["usd"] is None:
        seen = f"not known: no price for {', '.join(cost['missing_prices'])}"
    else:
        seen = f"${cost['usd']:,.4f} is the sum of its parts"
    return [make_check("cost", seen, _problems(cost))]


def _problems(cost: Mapping[str, Any]) -> Iterator[str]:
    for node in cost["nodes"]:
        price, seconds = node["usd_per_hour"], node["node_s"] + node["starting_s"]
        if price is not None and abs(node["usd"] - seconds / 3600 * price) > _ROUNDING + _ROUNDING_S / 3600 * price:
            told = f"run.json says ${node['usd']} for {node['type']}"
            yield f"{told}, {seconds:,.0f} s at ${price} an hour are another sum"
    parts = [*cost["nodes"], *(part for part in (cost["s3"], cost["llm"]) if part is not None)]
    unknown = [part for part in parts if part["usd"] is None]
    if cost["usd"] is None:
        if not cost["missing_prices"]:
            yield "run.json knows no cost and names no price that is missing"
    elif unknown:
        yield "run.json says a sum, though a part of it has no price"
    elif abs(cost["usd"] - sum(part["usd"] for part in parts)) > _ROUNDING * (1 + len(parts)):
        yield f"run.json says ${cost['usd']}, its parts make another sum"
