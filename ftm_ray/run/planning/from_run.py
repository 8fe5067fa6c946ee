"""The rates of an earlier run, out of its run.json: what it did with one sentence, one fit, one question."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ftm_ray.config import RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.run.planning.rates import Rate, Rates
from ftm_ray.run.planning.stages import FIT_RATES, Namer, parts_of
from ftm_ray.run.planning.work import Fleet, Work, fleet_of, parse_nodes

#: Another run on the same machine, measured: docs/plan.md has how far plans were off.
_BAND = 0.2


def work_of(record: Mapping[str, Any]) -> Work:
    """How much that run did."""
    counts = record["counts"]
    return Work(counts["n_firms"], counts["n_sentences"], counts["n_topics"])


def rates_of_run(record: Mapping[str, Any], base: Rates) -> Rates:
    """The rates of a finished run, and those of the table for what it does not tell.

    A run tells seconds of encoding and clustering, added over its actors, and the wall time of its steps. What is left
    of the map's wall time is the start of the actors and other work, which it does not tell apart: both are taken for
    so many times those of the table, and so are the rates of clustering all topics. What is left of the last step is
    its start. The run must have done all of its map
    itself: one that went on where another stopped has too few seconds.

    Args:
        record: run.json.
        base: The table.

    Raises:
        ConfigError: It is no record of a run, it did not do all of its work itself, or it is too small to tell.
    """
    work, seconds = _work_and_seconds(record)
    fleet = _fleet_of_run(record, work)
    known = base.pick("value")
    n = work.n_sentences
    encode, cluster = seconds["embed_s"] / n, seconds["cluster_s"] / n
    asked = _asked(record)
    found: dict[str, Rate] = {}

    def take(name: str, value: float) -> None:
        found[name] = _rate_of_run(base.rates[name], value, record)

    take(
        "encode_card_s" if fleet.on_cards else "encode_core_s",
        encode / (fleet.actors_per_card if fleet.on_cards else 1),
    )
    take("cluster_s", cluster)
    if asked is None:  # else the map may have waited for names
        per_actor = n / fleet.n_actors
        rest = max(0.0, seconds["map"] - per_actor * (encode + cluster))
        times = rest / (known["actor_start_s"] + per_actor * known["other_s"])
        take("actor_start_s", times * known["actor_start_s"])
        take("other_s", times * known["other_s"])
    else:
        found["named_per_s"] = _named_per_s(record, asked, base)
        take("answer_s", asked["request_s"] / asked["n_requests"])
    if not fleet.is_cluster and "start" in seconds:
        take("ray_start_s", seconds["start"])
    times = seconds["themes"] / parts_of(work, fleet, Namer(), known).fits
    for name in FIT_RATES:
        take(name, times * known[name])
    rest = seconds["reduce"] - sum(seconds.get(name, 0.0) for name in ("themes", "describe_themes", "support_model"))
    if not fleet.starts_final_early:
        take("final_start_s", max(0.0, rest - n * known["read_s"]))
    take("topics_per_sentence", work.n_topics / n)
    return base.with_some(found)


def _work_and_seconds(record: Mapping[str, Any]) -> tuple[Work, Mapping[str, float]]:
    try:
        work, seconds, cost = work_of(record), record["seconds"], record.get("cost") or {}
        told = [seconds[name] for name in ("map", "reduce", "embed_s", "cluster_s", "themes")]
    except (KeyError, TypeError) as error:
        raise ConfigError(f"--from-run: that is no run.json of a finished run (it lacks {error})") from error
    if cost.get("n_batches_before"):
        raise ConfigError(
            f"--from-run: that run found {cost['n_batches_before']} of its batches done by an earlier one, so its "
            "seconds are too few; give a run that did all of its work itself"
        )
    if not work.n_sentences or not work.n_topics or min(told[:3]) <= 0:
        raise ConfigError("--from-run: that run found no topic, so it tells no rates")
    if seconds["map"] * 1000 < seconds["embed_s"]:  # a thousand actors at once: parts of an earlier run
        raise ConfigError(
            "--from-run: its map took far less time than its firms did, so an earlier run has done them; give a run "
            "that did all of its work itself"
        )
    return work, seconds


def _fleet_of_run(record: Mapping[str, Any], work: Work) -> Fleet:
    """The nodes of that run; a run that does not tell how many actors it had is taken for one on this machine."""
    config = RunConfig.model_validate(record["config"])
    endpoint = "none" if record["llm"] is None else str(record["llm"]["endpoint"])
    nodes = config.cluster.node_types or parse_nodes(())
    llm = config.llm.model_copy(update={"endpoint": config.llm.endpoint or endpoint})
    fleet = fleet_of(work, nodes, config.model_copy(update={"llm": llm}))
    told = (record.get("cost") or {}).get("n_actors")
    return replace(fleet, n_actors=told) if told else fleet


def _asked(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What became of the questions about topics, if any request was sent."""
    topics = record["llm"]["topics"] if record["llm"] else None
    return topics if topics and topics["n_requests"] else None


def _named_per_s(record: Mapping[str, Any], asked: Mapping[str, Any], base: Rates) -> Rate:
    """Answers in a second of all copies together, at as many questions under way as the run allowed."""
    under_way = min(record["config"]["llm"]["max_concurrency"], asked["n_requests"])
    per_s = under_way * asked["n_requests"] / asked["request_s"]
    return _rate_of_run(replace(base.rates["answer_s"], name="named_per_s", unit="answers a second"), per_s, record)


def _rate_of_run(like: Rate, value: float, record: Mapping[str, Any]) -> Rate:
    quicker, slower = value * (1 - _BAND), value * (1 + _BAND)
    is_speed = like.low > like.high
    return replace(
        like,
        value=value,
        low=slower if is_speed else quicker,
        high=quicker if is_speed else slower,
        measured=True,
        machine="that of the run",
        source=f"run {record['run_id']}",
        seen=None,
    )
