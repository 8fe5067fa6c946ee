"""Rates out of a run.json: a run that the model made is planned as it was."""

import copy

import pytest

from ftm_ray.config import RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.machines.prices import default_prices
from ftm_ray.run.planning.from_run import rates_of_run, work_of
from ftm_ray.run.planning.plan import Ask, make_plan
from ftm_ray.run.planning.rates import known_rates
from ftm_ray.run.planning.work import Work, config_of, parse_nodes

KNOWN = known_rates().pick("value")
LLM = {"endpoint": "http://127.0.0.1:9/v1", "topics": {"n_requests": 600, "request_s": 1200.0}}


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """The machine of these runs."""
    monkeypatch.setattr("ftm_ray.run.planning.work.os.cpu_count", lambda: 2)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def record(n_firms=25, n_sentences=13_000, n_topics=650, llm=None, **seconds):
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
    endpoint = "none" if llm is None else llm["endpoint"]
    return {
        "run_id": "2024Q4-abc",
        "config": config_of(RunConfig(), endpoint, ()).model_dump(mode="json"),
        "counts": {"n_firms": n_firms, "n_sentences": n_sentences, "n_topics": n_topics},
        "llm": llm,
        "seconds": own | seconds,
        "cost": {"n_batches_before": 0, "n_actors": 2},
    }


def planned(run, work=None):
    nodes = parse_nodes(())
    ask = Ask(work or work_of(run), nodes, config_of(RunConfig(), "none", nodes))
    return make_plan(ask, rates_of_run(run, known_rates()), default_prices())


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


def test_a_run_with_names_tells_how_fast_it_was_answered():
    rates = rates_of_run(record(llm=LLM), known_rates()).rates
    assert rates["answer_s"].value == 2.0
    assert rates["named_per_s"].value == pytest.approx(25.0)  # 50 under way, 2 s each
    assert rates["other_s"] == known_rates().rates["other_s"]  # its map may have waited for names


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cost": {"n_batches_before": 3, "n_actors": 2}}, "3 of its batches done by an earlier one"),
        ({"seconds": {"map": 1.0}}, "lacks 'reduce'"),
        ({"counts": {"n_firms": 1, "n_sentences": 10, "n_topics": 0}}, "found no topic"),
    ],
)
def test_a_run_that_tells_no_rates_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        rates_of_run(copy.deepcopy(record()) | change, known_rates())


def test_a_map_that_an_earlier_run_made_is_refused_also_in_an_old_record():
    run = {name: value for name, value in record(map=0.1).items() if name != "cost"}
    with pytest.raises(ConfigError, match="far less time than its firms did"):
        rates_of_run(run, known_rates())
