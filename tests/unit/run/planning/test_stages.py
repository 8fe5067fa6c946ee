"""The model of a plan, done again by hand with round numbers."""

import pytest

from ftm_ray.config import NodeType, RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.run.planning.rates import Rate, Rates, known_rates
from ftm_ray.run.planning.stages import Namer, namer_of, parts_of
from ftm_ray.run.planning.work import Work, config_of, fleet_of, parse_nodes

RATE = {
    "ray_start_s": 5.0,
    "node_start_s": 300.0,
    "model_start_s": 200.0,
    "actor_start_s": 10.0,
    "encode_core_s": 0.006,
    "encode_card_s": 0.0002,
    "cluster_s": 0.003,
    "other_s": 0.001,
    "answer_s": 2.0,
    "named_per_s_l4": 5.0,
    "final_start_s": 12.0,
    "read_s": 0.0001,
    "fit_least_s": 0.5,
    "fit_1000_s": 1.0,
    "fit_power": 1.0,
    "short_fit": 0.5,
    "once_1000_s": 0.1,
    "themes_per_root": 1.0,
    "idle_s": 300.0,
}
BASE = RunConfig()


def fleet(work, nodes, endpoint="none"):
    made = parse_nodes(nodes)
    return fleet_of(work, made, config_of(BASE, endpoint, made))


def test_two_cores_by_hand():
    work = Work(100, 50_000, 2_500)
    parts = parts_of(work, fleet(work, ["2cores=1"]), Namer(), RATE)
    assert parts.find == pytest.approx(50_000 * 0.010 / 2)
    assert (parts.start, parts.model, parts.name, parts.describe) == (300.0, 0.0, 0.0, 0.0)
    assert parts.fits == pytest.approx(21 * (0.5 + 2.5) + 0.1 * 2.5)  # sixteen and five, one after the other
    assert parts.read_and_write == pytest.approx(12.0 + 5.0)
    assert parts.stages()["map"] == pytest.approx(10.0 + 250.0)
    assert parts.bottleneck() == "start"


def test_fits_of_many_topics_take_all_cores_and_there_are_fewer_of_them():
    work = Work(5_000, 2_000_000, 100_000)
    few, many = (parts_of(work, fleet(work, [f"{n}cores=1"]), Namer(), RATE) for n in (2, 8))
    once = 0.1 * 100
    assert few.fits - once == pytest.approx(12 * 100.5 / 2 / 2)  # eight and four, of half the seconds
    assert many.fits - once == pytest.approx(12 * 100.5 / 2 / 8)
    assert few.find / many.find == pytest.approx(4)


def test_naming_and_finding_go_on_at_once_and_the_slower_is_waited_for():
    work = Work(5_000, 2_000_000, 100_000)
    cards = fleet(work, ["g6.xlarge=4"], "serve")
    namer = namer_of(cards, Rates({"named_per_s_l4": rate("named_per_s_l4", 5.0)}), "serve", 50)
    parts = parts_of(work, cards, namer, RATE)
    assert parts.name == pytest.approx(100_000 / 5)
    assert parts.find == pytest.approx(2_000_000 * (4 * 0.0002 + 0.004) / cards.n_actors)
    assert parts.stages()["map"] == pytest.approx(10.0 + parts.name)
    assert parts.bottleneck() == "name"
    assert parts.model == 200.0
    assert parts.describe == pytest.approx(100_000 * 4 * 0.0002 / cards.n_actors + 100_000**0.5 / 5)


def test_few_texts_of_an_llm_are_encoded_by_the_last_actor_alone_and_many_by_all():
    namer = Namer("answer_s", 50.0, is_latency=True)
    few, many = (
        parts_of(Work(100, 50_000, n), fleet(Work(100, 50_000, n), ["4cores=1"]), namer, RATE) for n in (4_000, 5_000)
    )
    assert few.describe == pytest.approx(4_000 * 0.006 + 4_000**0.5 / 25)
    assert many.describe == pytest.approx(
        5_000 * 0.006 / fleet(Work(100, 50_000, 5_000), ["4cores=1"]).n_actors + 5_000**0.5 / 25
    )


def test_an_endpoint_answers_as_many_at_once_as_it_is_asked():
    assert Namer("answer_s", 50.0, is_latency=True).per_s(RATE) == 25.0
    assert Namer().per_s(RATE) is None


def test_a_small_map_leaves_a_core_on_which_the_last_step_starts_meanwhile():
    work = Work(6, 2_000, 100)
    assert parts_of(work, fleet(work, ["2cores=1"]), Namer(), RATE).read_and_write == pytest.approx(0.2)


def test_a_card_that_nobody_knows_is_named_with_what_to_do():
    work = Work(100, 50_000, 2_500)
    made = (NodeType(name="mine", cpus=8, gpus=1, accelerator="H20", max_nodes=2),)
    strange = fleet_of(work, made, config_of(BASE, "serve", made))
    with pytest.raises(ConfigError, match=r"how fast a H20 names topics \(known: a10g, h100, h200, l4\)"):
        namer_of(strange, known_rates(), "serve", 50)


@pytest.mark.parametrize("word", ["g6.xlarge", "g6.xlarge=0", "g6.xlarge=x", "=3", "z9.xlarge=2"])
def test_a_node_that_is_written_wrong_is_named(word):
    with pytest.raises(ConfigError, match="expected TYPE=NUMBER|not known to ftm-ray"):
        parse_nodes([word])


def rate(name, value):
    return Rate(name, value, value, value, "", True, "", "", None)
