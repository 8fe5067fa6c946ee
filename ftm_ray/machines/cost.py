"""What a run has cost: node seconds, requests to S3 and tokens of a paid endpoint, each times its price.

Plain arithmetic over what was counted elsewhere. A part without a price makes the sum null, and the record names the
price that is missing: zero means that something cost nothing, never that nobody knows. A model that the cluster
serves costs node seconds and no tokens, so that nothing is paid twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ftm_ray.lake.s3_traffic import S3Traffic
from ftm_ray.machines.prices import NodePrice, Prices

#: The kind of the one node of a Ray that runs inside the process: whoever owns it has paid for it.
THIS_MACHINE = "this machine"

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class NodeTime:
    """How long a node was there while the run went on.

    Attributes:
        kind: EC2's type where the node tells it, else its node type in the cluster file, or THIS_MACHINE.
        market: 'spot' or 'on-demand'; None where the node does not tell.
        seconds: Of the run's time, from the start of the node's Ray to its end.
        starting_s: Before that: the cloud had the machine, Ray did not.
        group: Its node type in the cluster file, whose name may have a price, too.
    """

    kind: str
    market: str | None
    seconds: float
    starting_s: float = 0.0
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a paid endpoint counted in this run.

    Attributes:
        model: Its name at the endpoint.
        prompt: Tokens of prompts, cached ones among them.
        cached: Of these, found in the endpoint's cache.
        completion: Tokens of answers.
    """

    model: str
    prompt: int
    cached: int
    completion: int


@dataclass(frozen=True, slots=True)
class Used:
    """What a run used.

    Attributes:
        nodes: One entry for each node that was there; None where Ray did not tell.
        traffic: Requests to S3; None where ROOT is a folder.
        tokens: Of a paid endpoint; None without one.
    """

    nodes: Sequence[NodeTime] | None
    traffic: S3Traffic | None = None
    tokens: Tokens | None = None


def run_cost(used: Used, prices: Prices, n_firms: int, n_topics: int) -> dict[str, Any]:
    """The part `cost` of run.json.

    Args:
        used: What the run used.
        prices: In US dollars.
        n_firms: Firms of the quarter, for the price of one.
        n_topics: Topics of the quarter, for the price of a thousand.

    Returns:
        JSON: `usd` (null where a price is missing), `usd_per_firm`, `usd_per_1000_topics`, the parts `nodes`, `s3` and
        `llm` (null where there is none), and `missing_prices`.
    """
    missing: list[str] = []
    if used.nodes is None:
        missing.append("node seconds, which Ray did not tell")
    by_kind = _by_kind(used.nodes or ())
    nodes = [_node_cost(kind, market, times, prices, missing) for (kind, market), times in by_kind]
    s3 = None if used.traffic is None else _s3_cost(used.traffic, prices, missing)
    llm = None if used.tokens is None else _llm_cost(used.tokens, prices, missing)
    parts = [*nodes, *(part for part in (s3, llm) if part is not None)]
    usd = None if missing else sum(part["usd"] for part in parts)
    return {
        "usd": _rounded(usd),
        "usd_per_firm": _rounded(usd / n_firms if usd is not None and n_firms else None),
        "usd_per_1000_topics": _rounded(1000 * usd / n_topics if usd is not None and n_topics else None),
        "nodes": nodes,
        "s3": s3,
        "llm": llm,
        "missing_prices": missing,
    }


def _by_kind(nodes: Iterable[NodeTime]) -> list[tuple[tuple[str, str | None], list[NodeTime]]]:
    found: dict[tuple[str, str | None], list[NodeTime]] = {}
    for node in nodes:
        found.setdefault((node.kind, node.market), []).append(node)
    return sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or ""))


def _node_cost(
    kind: str, market: str | None, times: list[NodeTime], prices: Prices, missing: list[str]
) -> dict[str, Any]:
    known = NodePrice(on_demand=0.0, spot=0.0, source="not rented for the run") if kind == THIS_MACHINE else None
    groups = {node.group for node in times if node.group}
    names = [kind, *sorted(groups)] if len(groups) == 1 else [kind]  # a name of the user's own is as good as EC2's
    known = known or prices.of_node(names, market)
    price = known.of(market or "on-demand") if known else None  # of a market not known both cost the same
    seconds, starting_s = (sum(getattr(node, name) for node in times) for name in ("seconds", "starting_s"))
    if price is None:
        missing.append(f"{kind} ({market or 'market not known'})")
    return {
        "type": kind,
        "market": market,
        "n_nodes": len(times),
        "node_s": round(seconds, 3),
        "starting_s": round(starting_s, 3),
        "usd_per_hour": price,
        "price_of": known.seen.isoformat() if known and known.seen else None,
        "price_source": known.source if known else None,
        "usd": None if price is None else _rounded((seconds + starting_s) / 3600 * price),
    }


def _s3_cost(traffic: S3Traffic, prices: Prices, missing: list[str]) -> dict[str, Any]:
    price = prices.s3
    if price is None:
        missing.append("requests to S3")
        return asdict(traffic) | {"usd": None}
    usd = (traffic.n_puts + traffic.n_lists) / 1000 * price.writes + traffic.n_gets / 1000 * price.reads
    return asdict(traffic) | {"usd": _rounded(usd)}


def _llm_cost(tokens: Tokens, prices: Prices, missing: list[str]) -> dict[str, Any]:
    counted = {
        "model": tokens.model,
        "prompt_tokens": tokens.prompt,
        "cached_tokens": tokens.cached,
        "completion_tokens": tokens.completion,
    }
    price = prices.llm.get(tokens.model)
    if price is None and tokens.prompt + tokens.completion:
        missing.append(f"tokens of {tokens.model}")
        return counted | {"usd": None}
    if price is None:
        return counted | {"usd": 0.0}  # all answers were remembered
    cached = price.prompt if price.cached is None else price.cached
    usd = (tokens.prompt - tokens.cached) * price.prompt + tokens.cached * cached + tokens.completion * price.completion
    return counted | {"usd": _rounded(usd / 1e6)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
