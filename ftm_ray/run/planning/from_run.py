"""The rates of an earlier run, out of its run.json: what it did with one sentence, one fit, one question."""

from dataclasses import replace

from ftm_ray.config import NodeType
from ftm_ray.errors import ConfigError
from ftm_ray.machines.cost import THIS_MACHINE
from ftm_ray.machines.instance_types import KNOWN_TYPES
from ftm_ray.run.planning.rates import Rate, Rates
from ftm_ray.run.planning.stages import FIT_RATES, Namer, parts_of
from ftm_ray.run.planning.told import Asked, NodesSeen, ToldRun
from ftm_ray.run.planning.work import HEAD_TYPE, Fleet, config_of, copies_of, fleet_of, parse_nodes

#: Another run on the same machine, measured: docs/plan.md has how far plans were off.
_BAND = 0.2


def rates_of_run(run: ToldRun, base: Rates) -> Rates:
    """The rates of a finished run, and those of the table for what it does not tell.

    A run tells seconds of encoding and clustering, added over its actors, and the wall time of its steps. What is left
    of the map's wall time is the start of the actors and other work, which it does not tell apart: both are taken for
    so many times those of the table, and so are the rates of clustering all topics. What is left of the last step is
    its start.

    Args:
        run: It has done all of its map itself (`read_run` sees to it).
        base: The table.

    Raises:
        ConfigError: It does not tell on which nodes it ran, so nobody knows of which machine its rates are.
    """
    work, seconds, fleet = run.work, run.seconds, _fleet_of_run(run)
    known = base.pick("value")
    n = work.n_sentences
    encode, cluster = seconds.embed_s / n, seconds.cluster_s / n
    found: dict[str, Rate] = {}

    def take(name: str, value: float) -> None:
        found[name] = _rate_of_run(base.rates[name], value, run)

    take(
        "encode_card_s" if fleet.on_cards else "encode_core_s",
        encode / (fleet.actors_per_card if fleet.on_cards else 1),
    )
    take("cluster_s", cluster)
    if (asked := _asked(run)) is None:  # else the map may have waited for names
        per_actor = n / fleet.n_actors
        rest = max(0.0, seconds.map - per_actor * (encode + cluster))
        times = rest / (known["actor_start_s"] + per_actor * known["other_s"])
        take("actor_start_s", times * known["actor_start_s"])
        take("other_s", times * known["other_s"])
    elif run.is_served:
        found["named_per_s"] = _named_per_s(run, asked, fleet, base)
    else:
        take("answer_s", asked.request_s / asked.n_requests)
    if not fleet.is_cluster and seconds.start:
        take("ray_start_s", seconds.start)
    times = seconds.themes / parts_of(work, fleet, Namer(), known).fits
    for name in FIT_RATES:
        take(name, times * known[name])
    rest = seconds.reduce - seconds.themes - seconds.describe_themes - seconds.support_model
    if not fleet.starts_final_early:
        take("final_start_s", max(0.0, rest - n * known["read_s"]))
    take("topics_per_sentence", work.n_topics / n)
    take("sentences_per_firm", n / work.n_firms)
    return base.with_some(found)


def _fleet_of_run(run: ToldRun) -> Fleet:
    """The nodes of that run. It ran, so whether a model fits beside its actors is not asked again."""
    nodes = _nodes_of_run(run)
    fleet = fleet_of(run.work, nodes, config_of(run.config, "none", nodes))
    if run.cost is not None and run.cost.n_actors:
        fleet = replace(fleet, n_actors=run.cost.n_actors)
    if not run.is_served:
        return fleet
    return replace(fleet, n_copies=copies_of(run.config, nodes, _cards_of_a_copy(run)))


def _nodes_of_run(run: ToldRun) -> tuple[NodeType, ...]:
    """Where that run worked: nodes that were there, else those that might come; without the head, which does no work.

    Raises:
        ConfigError: Neither is told.
    """
    seen = () if run.cost is None else tuple(nodes for nodes in run.cost.nodes if nodes.node_s)
    configured = run.config.cluster.node_types
    if any(nodes.type == THIS_MACHINE for nodes in seen):  # whatever the configuration says of a cluster
        return _this_machine(run)
    if found := _workers(seen):
        return found
    if configured:
        return configured
    if run.cost is None and run.config.cluster.file is None:  # of an earlier version
        return _this_machine(run)
    told = ", ".join(nodes.type for nodes in seen) or "no node"
    raise ConfigError(
        f"--from-run: run {run.run_id} was on a cluster, and its run.json does not tell of which machines "
        f"(cost.nodes has {told}, config.cluster.node_types is empty), so nobody knows what its rates are of; expected "
        "EC2 types that are known here (docs/plan.md). Give another run, or leave --from-run out"
    )


def _this_machine(run: ToldRun) -> tuple[NodeType, ...]:
    """With the cards that a served model took; of which kind they were is not told."""
    (here,) = parse_nodes(())
    cards = run.config.serve.max_replicas * _cards_of_a_copy(run) if run.is_served else 0
    return (here.model_copy(update={"gpus": cards}),)


def _cards_of_a_copy(run: ToldRun) -> int:
    """Cards that one copy of the served model took; 0 = it ran on the processor."""
    serve = run.config.serve
    on_processor = serve.preset == "cpu" if serve.gpus_per_replica is None else serve.gpus_per_replica == 0
    return 0 if on_processor else serve.tensor_parallel


def _workers(seen: tuple[NodesSeen, ...]) -> tuple[NodeType, ...]:
    """The nodes that were there, by type, less one head; none where a type is not known here."""
    if any(nodes.type not in KNOWN_TYPES for nodes in seen):
        return ()
    numbers: dict[str, int] = {}
    for nodes in seen:
        numbers[nodes.type] = numbers.get(nodes.type, 0) + nodes.n_nodes
    has_head = any(nodes.type == HEAD_TYPE and nodes.market != "spot" for nodes in seen)
    if has_head and sum(numbers.values()) > 1:  # a node that was alone did the work
        numbers[HEAD_TYPE] -= 1
    return parse_nodes([f"{name}={number}" for name, number in sorted(numbers.items()) if number]) if numbers else ()


def _asked(run: ToldRun) -> Asked | None:
    """What became of the questions about topics, if any request was sent and took time."""
    topics = run.llm.topics if run.llm else None
    return topics if topics and topics.n_requests and topics.request_s else None


def _named_per_s(run: ToldRun, asked: Asked, fleet: Fleet, base: Rates) -> Rate:
    """Answers in a second of one copy of the served model, at as many questions under way as the run allowed."""
    under_way = min(run.config.llm.max_concurrency, asked.n_requests)
    per_s = under_way * asked.n_requests / asked.request_s / fleet.n_copies
    like = replace(base.rates["answer_s"], name="named_per_s", unit="answers a second of one copy of the model")
    return _rate_of_run(like, per_s, run, is_speed=True)


def _rate_of_run(like: Rate, value: float, run: ToldRun, is_speed: bool = False) -> Rate:
    """A rate with its band; a speed is low where the run is slow."""
    quicker, slower = value * (1 - _BAND), value * (1 + _BAND)
    return replace(
        like,
        value=value,
        low=slower if is_speed else quicker,
        high=quicker if is_speed else slower,
        measured=True,
        machine="that of the run",
        source=f"run {run.run_id}",
        seen=None,
    )
