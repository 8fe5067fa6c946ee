"""Rates out of a run.json: a run that the model made is planned as it was."""

import copy
from dataclasses import replace

import pytest

from ftm_ray.config import RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.machines.prices import default_prices
from ftm_ray.run.planning.from_run import rates_of_run
from ftm_ray.run.planning.plan import Ask, make_plan
from ftm_ray.run.planning.rates import known_rates
from ftm_ray.run.planning.stages import namer_of
from ftm_ray.run.planning.told import read_run
from ftm_ray.run.planning.work import Work, config_of, parse_nodes

KNOWN = known_rates().pick("value")
LLM = {"endpoint": "http://127.0.0.1:9/v1", "topics": {"n_requests": 600, "request_s": 1200.0}}
HEAD = {"type": "m6i.xlarge", "market": "on-demand", "n_nodes": 1, "node_s": 900.0}
HERE = {"type": "this machine", "market": None, "n_nodes": 1, "node_s": 900.0}


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """The machine of these runs."""
    monkeypatch.setattr("ftm_ray.run.planning.work.usable_cores", lambda: 2)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def record(n_firms=25, n_sentences=13_000, n_topics=650, llm=None, endpoint=None, **seconds):
    """As a run of two actors tells it, with its own speed: twice as slow as the table."""
    start, final = KNOWN["actor_start_s"], KNOWN["final_start_s"]
    own = {
        "embed_s": 200.0,
        "cluster_s": 40.0,
        "map": start + 130.0,
        "themes": 20.0,
        "reduce": final + 25.0,
        "start": 7.0,
    }
    endpoint = endpoint or ("none" if llm is None else llm["endpoint"])
    return {
        "run_id": "2024Q4-abc",
        "config": config_of(RunConfig(), endpoint, ()).model_dump(mode="json"),
        "counts": {"n_firms": n_firms, "n_sentences": n_sentences, "n_topics": n_topics},
        "llm": llm,
        "seconds": own | seconds,
        "cost": {"n_batches_before": 0, "n_actors": 2, "nodes": [HERE]},
    }


def on_nodes(run, *nodes, n_actors=2, cluster=None, serve=None):
    """The same run on a cluster with these nodes."""
    config = copy.deepcopy(run["config"])
    config["cluster"] |= cluster or {}
    config["serve"] |= serve or {}
    return run | {"config": config, "cost": {"n_batches_before": 0, "n_actors": n_actors, "nodes": list(nodes)}}


def seen(kind, n_nodes, market="spot"):
    return {"type": kind, "market": market, "n_nodes": n_nodes, "node_s": 800.0 * n_nodes}


def rates_of(run):
    return rates_of_run(read_run(run, "run.json"), known_rates())


def planned(run, work=None):
    nodes = parse_nodes(())
    ask = Ask(work or read_run(run, "run.json").work, nodes, config_of(RunConfig(), "none", nodes))
    return make_plan(ask, rates_of(run), default_prices())


def test_a_run_is_planned_as_it_was():
    run = record()
    plan = planned(run)
    assert plan.wall_s == pytest.approx(7.0 + run["seconds"]["map"] + run["seconds"]["reduce"], rel=0.01)
    assert plan.parts.actors + plan.parts.find == pytest.approx(run["seconds"]["map"])
    assert plan.parts.fits == pytest.approx(run["seconds"]["themes"])
    assert not plan.not_measured


def test_twice_the_sentences_are_twice_the_finding():
    once, twice = planned(record()), planned(record(), Work(50, 26_000, 1_300))
    assert twice.parts.find == pytest.approx(2 * once.parts.find)
    assert (twice.parts.start, twice.parts.actors) == (7.0, once.parts.actors)


def test_an_older_run_that_does_not_tell_its_actors_is_taken_for_one_on_this_machine():
    old = {name: value for name, value in record().items() if name != "cost"}
    assert planned(old).parts == planned(record()).parts


def test_a_run_at_a_url_tells_how_long_an_answer_took_and_nothing_of_a_served_model():
    rates = rates_of(record(llm=LLM)).rates
    assert rates["answer_s"].value == 2.0
    assert "named_per_s" not in rates
    assert rates["other_s"] == known_rates().rates["other_s"]  # its map may have waited for names


@pytest.mark.parametrize("endpoint", ["serve", None])
def test_a_run_that_served_the_model_tells_how_fast_one_copy_answers(endpoint):
    run = record(llm=LLM, endpoint="serve")
    run["config"]["llm"] |= {"endpoint": endpoint, "max_concurrency": 100}
    run = on_nodes(run, seen("g6.xlarge", 4), HEAD, serve={"max_replicas": 2})
    rates = rates_of(run)
    assert rates.rates["named_per_s"].value == pytest.approx(25.0)  # 100 under way, 2 s each, of two copies
    assert rates.rates["named_per_s"].low > 25.0 > rates.rates["named_per_s"].high  # low is the end of the quick run
    assert rates.rates["answer_s"] == known_rates().rates["answer_s"]
    nodes = parse_nodes(["g6.xlarge=4"])
    ask = Ask(Work(500, 260_000, 13_000), nodes, config_of(RunConfig(), "serve", nodes))
    fleet = replace(make_plan(ask, rates, default_prices()).fleet, n_copies=3)
    assert namer_of(fleet, rates, "serve", 50).per_s(rates.pick("value")) == pytest.approx(75.0)


def test_another_number_of_firms_has_as_many_sentences_and_topics_each():
    found = rates_of(record()).pick("value")
    assert (found["sentences_per_firm"], found["topics_per_sentence"]) == (520.0, 0.05)


# --- of which machine the rates are ---------------------------------------------------------------------------------


def test_rates_of_a_cluster_are_of_its_nodes_without_the_head():
    cores = rates_of(on_nodes(record(), seen("c7i.4xlarge", 1), seen("c7i.4xlarge", 1, "on-demand"), HEAD))
    assert cores.rates["encode_core_s"].value == pytest.approx(200.0 / 13_000)
    assert cores.rates["ray_start_s"] == known_rates().rates["ray_start_s"]  # it tells none of this machine
    times = cores.rates["fit_1000_s"].value / KNOWN["fit_1000_s"]
    assert times == pytest.approx(rates_of(record()).rates["fit_1000_s"].value / KNOWN["fit_1000_s"])  # one lane both
    cards = rates_of(on_nodes(record(), seen("g6.xlarge", 4), HEAD))
    assert cards.rates["encode_card_s"].value == pytest.approx(200.0 / 13_000 / 4)  # four actors share one
    assert cards.rates["encode_core_s"] == known_rates().rates["encode_core_s"]


def test_where_a_type_is_not_known_the_configured_nodes_count():
    node = {"name": "mine", "cpus": 8, "gpus": 1, "accelerator": "L4", "max_nodes": 2}
    run = on_nodes(record(), seen("z9.large", 2), HEAD, cluster={"node_types": [node]})
    assert rates_of(run).rates["encode_card_s"].measured


def test_a_configured_cluster_that_the_run_did_not_join_does_not_count():
    node = {"name": "mine", "cpus": 8, "gpus": 1, "accelerator": "L4", "max_nodes": 2}
    assert rates_of(on_nodes(record(), HERE, cluster={"node_types": [node]})).rates["encode_core_s"].measured


def test_a_node_that_never_joined_did_no_work():
    never = {"type": "gpu_spot", "market": None, "n_nodes": 1, "node_s": 0.0}
    assert rates_of(on_nodes(record(), seen("g6.xlarge", 1), never, HEAD)).rates["encode_card_s"].value > 0


@pytest.mark.parametrize("nodes", [(), (seen("10.0.0.7", 1),), (seen("z9.large", 2), HEAD)])
def test_a_cluster_that_nobody_knows_is_refused(nodes):
    with pytest.raises(ConfigError, match="does not tell of which machines"):
        rates_of(on_nodes(record(), *nodes))


def test_a_head_that_was_alone_did_the_work():
    assert rates_of(on_nodes(record(), HEAD)).rates["encode_core_s"].value == pytest.approx(200.0 / 13_000)


@pytest.mark.parametrize("cost", [True, False])
def test_a_run_that_served_its_model_here_had_a_card_and_is_no_error(cost):
    run = record(llm=LLM, endpoint="serve")
    rates = rates_of(run if cost else run | {"cost": None})
    assert rates.rates["encode_card_s"].measured and rates.rates["named_per_s"].value == pytest.approx(25.0)
    on_cores = copy.deepcopy(run)
    on_cores["config"]["serve"]["preset"] = "cpu"
    assert rates_of(on_cores).rates["encode_core_s"].measured


# --- what is refused -------------------------------------------------------------------------------------------------


def without(name):
    return {key: value for key, value in record().items() if key != name}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (record() | {"cost": {"n_batches_before": 3, "n_actors": 2, "nodes": [HERE]}}, "3 of its batches done by an"),
        (record() | {"seconds": {"map": 1.0}}, "lacks 'seconds.reduce'"),
        (record() | {"counts": {"n_firms": 1, "n_sentences": 10, "n_topics": 0}}, "found no topic"),
        (without("config"), "lacks 'config'"),
        (without("seconds"), "lacks 'seconds'"),
        (record() | {"config": {"embed": {"modell": "x"}}}, "setting 'config.embed.modell', which is not known"),
        (record(map=None), r"seconds\.map: .*got None"),
        (record(start=None), r"seconds\.start: .*got None"),
        (record(themes=float("nan")), r"seconds\.themes: .*got nan"),
        (record() | {"cost": []}, "cost: "),
        (record() | {"llm": {"endpoint": "serve"}}, r"lacks 'llm\.topics'"),
        ({}, "lacks 'run_id'"),
    ],
)
def test_a_run_that_tells_no_rates_is_refused_with_its_place(run, words):
    with pytest.raises(ConfigError, match=f"--from-run 2024Q4.*{words}"):
        read_run(run, "2024Q4")


def test_a_map_that_an_earlier_run_made_is_refused_also_in_an_old_record():
    run = {name: value for name, value in record(map=0.1).items() if name != "cost"}
    with pytest.raises(ConfigError, match="far less time than its firms did"):
        read_run(run, "2024Q4")
