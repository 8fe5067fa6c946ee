"""The plan: wall time and dollars of each stage with their band, what is waited for, what one more node would do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from ftm_ray.config import NodeType, RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.machines.cost import THIS_MACHINE
from ftm_ray.machines.prices import Prices
from ftm_ray.run.planning.rates import Pick, Rate, Rates
from ftm_ray.run.planning.stages import Parts, namer_of, parts_of, used_rates
from ftm_ray.run.planning.work import HEAD_TYPE, Fleet, Work, fleet_of
from ftm_ray.serving.engine import REQUESTS_PER_REPLICA, choose_preset, replica_needs

#: Requests of a batch that write or list, and that read: 32 PUTs, 14 LISTs and 62 GETs of 12 batches
#: (docs/benchmarks.md, S3).
_WRITES_A_BATCH, _READS_A_BATCH = 46 / 12, 62 / 12


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person wants planned.

    Attributes:
        work: How much there is to do.
        nodes: On which nodes; their number is `max_nodes`.
        config: Its `llm.endpoint` is decided: serve, none, or a URL.
        market: How the nodes are bought: spot or on-demand. The head is on demand.
    """

    work: Work
    nodes: tuple[NodeType, ...]
    config: RunConfig
    market: str = "spot"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: seconds with their band, and what its time costs; null where a price is missing."""

    name: str
    seconds: float
    low_s: float
    high_s: float
    usd: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would take.

    Attributes:
        work, fleet: What was planned.
        stages: In their order.
        wall_s, low_s, high_s: Until all is published, without idle nodes at the end.
        usd, low_usd, high_usd: Of nodes, tokens and requests to S3; null where a price is missing.
        tokens_usd, s3_usd: The parts that are no node's; null where there is none, or its price is missing.
        bottleneck: What is waited for longest: start, find, name or fits.
        parts: Seconds of what a run does, likely values.
        rates: Those that it hangs on.
        missing_prices: What has none.
    """

    work: Work
    fleet: Fleet
    stages: tuple[Stage, ...]
    wall_s: float
    low_s: float
    high_s: float
    usd: float | None
    low_usd: float | None
    high_usd: float | None
    tokens_usd: float | None
    s3_usd: float | None
    bottleneck: str
    parts: Parts
    rates: tuple[Rate, ...]
    missing_prices: tuple[str, ...]

    @property
    def not_measured(self) -> tuple[Rate, ...]:
        """Rates that no clock has said."""
        return tuple(rate for rate in self.rates if not rate.measured)


def make_plan(ask: Ask, rates: Rates, prices: Prices) -> Plan:
    """Plan a run.

    Args:
        ask: What is wanted.
        rates: How long one piece of work takes.
        prices: In US dollars.

    Raises:
        ConfigError: It does not fit on the nodes, or a rate is not known.
    """
    fleet = fleet_of(ask.work, ask.nodes, ask.config)
    endpoint = ask.config.llm.endpoint or "none"
    namer = namer_of(fleet, rates, endpoint, ask.config.llm.max_concurrency)
    picks: tuple[Pick, Pick, Pick] = ("value", "low", "high")
    likely, low, high = (parts_of(ask.work, fleet, namer, rates.pick(which)) for which in picks)
    missing: list[str] = []
    an_hour = _usd_an_hour(ask, fleet, prices, missing)
    tokens_usd = _tokens_usd(ask, rates, prices, missing) if endpoint not in ("none", "serve") else None
    s3_usd = _s3_usd(ask.work, prices, missing) if fleet.is_cluster else None
    others = sum(usd for usd in (tokens_usd, s3_usd) if usd is not None)

    def whole(parts: Parts) -> float | None:
        seconds = sum(parts.stages().values())
        return None if missing or an_hour is None else seconds / 3600 * an_hour + others

    return Plan(
        work=ask.work,
        fleet=fleet,
        stages=tuple(
            Stage(name, seconds, low.stages()[name], high.stages()[name], an_hour and seconds / 3600 * an_hour)
            for name, seconds in likely.stages().items()
            if high.stages()[name]
        ),
        wall_s=_wall(likely),
        low_s=_wall(low),
        high_s=_wall(high),
        usd=whole(likely),
        low_usd=whole(low),
        high_usd=whole(high),
        tokens_usd=tokens_usd,
        s3_usd=s3_usd,
        bottleneck=likely.bottleneck(),
        parts=likely,
        rates=tuple(rates.rates[name] for name in used_rates(fleet, namer)),
        missing_prices=tuple(dict.fromkeys(missing)),
    )


def plan_one_more(ask: Ask, rates: Rates, prices: Prices) -> Plan | None:
    """The plan on one more node; None on this machine, and where it does not fit: the plan asked for still stands."""
    if ask.nodes[0].name == THIS_MACHINE:
        return None
    try:
        return make_plan(with_one_more(ask), rates, prices)
    except ConfigError:
        return None


def with_one_more(ask: Ask) -> Ask:
    """The same on one more node of the first kind, and one more copy of the model, where it is served.

    A copy that takes cards needs a node with so many: there the first kind that has them grows.
    """
    config, grows = ask.config, 0
    if config.llm.endpoint == "serve":
        needs = replica_needs(config.serve, choose_preset(config.serve.preset, ask.nodes))
        grows = next((n for n, kind in enumerate(ask.nodes) if kind.gpus >= needs.n_cards), 0)
        serve = config.serve.model_copy(update={"max_replicas": config.serve.max_replicas + 1})
        more = {"max_concurrency": config.llm.max_concurrency + REQUESTS_PER_REPLICA}
        config = config.model_copy(update={"serve": serve, "llm": config.llm.model_copy(update=more)})
    nodes = tuple(replace_nodes(kind, kind.max_nodes + (n == grows)) for n, kind in enumerate(ask.nodes))
    return replace(ask, nodes=nodes, config=config)


def replace_nodes(kind: NodeType, number: int) -> NodeType:
    """A kind of node with another number of it."""
    return kind.model_copy(update={"max_nodes": number})


def as_json(plan: Plan) -> dict[str, object]:
    """A plan for a script."""
    fleet = asdict(plan.fleet) | {"nodes": {kind.name: kind.max_nodes for kind in plan.fleet.nodes}}
    found = {name: getattr(plan, name) for name in Plan.__dataclass_fields__ if name not in ("work", "fleet", "parts")}
    return {
        "work": asdict(plan.work),
        "fleet": fleet,
        **found,
        "stages": [asdict(stage) for stage in plan.stages],
        "parts": asdict(plan.parts),
        "rates": [asdict(rate) for rate in plan.rates],
        "not_measured": [rate.name for rate in plan.not_measured],
    }


def _wall(parts: Parts) -> float:
    return sum(seconds for name, seconds in parts.stages().items() if name != "idle")


def _usd_an_hour(ask: Ask, fleet: Fleet, prices: Prices, missing: list[str]) -> float | None:
    """All nodes with the head; this machine costs nothing."""
    if not fleet.is_cluster:
        return 0.0
    bought: list[tuple[str, str, int]] = [(kind.name, ask.market, kind.max_nodes) for kind in ask.nodes]
    an_hour = 0.0
    for name, market, number in [*bought, (HEAD_TYPE, "on-demand", 1)]:
        known = prices.of_node([name], market)
        price = known.of(market) if known else None
        if price is None:
            missing.append(f"{name} ({market})")
        else:
            an_hour += number * price
    return None if missing else an_hour


def _tokens_usd(ask: Ask, rates: Rates, prices: Prices, missing: list[str]) -> float | None:
    price = prices.llm.get(ask.config.llm.model)
    if price is None:
        missing.append(f"tokens of {ask.config.llm.model}")
        return None
    picked: Mapping[str, float] = rates.pick("value")
    return (
        ask.work.n_topics / 1e6 * (picked["prompt_tokens"] * price.prompt + picked["answer_tokens"] * price.completion)
    )


def _s3_usd(work: Work, prices: Prices, missing: list[str]) -> float | None:
    if prices.s3 is None:
        missing.append("requests to S3")
        return None
    n = len(work.batches())
    return n / 1000 * (_WRITES_A_BATCH * prices.s3.writes + _READS_A_BATCH * prices.s3.reads)
