"""A plan: stages add up, bands hold what is likely, dollars are hours times prices, and nothing is guessed."""

import json

import pytest

from ftm_ray.config import NodeType, RunConfig, ServeSettings
from ftm_ray.errors import ConfigError
from ftm_ray.machines.prices import NodePrice, Prices, TokenPrice, default_prices
from ftm_ray.run.planning.plan import Ask, as_json, make_plan, plan_one_more, with_one_more
from ftm_ray.run.planning.rates import Rate, known_rates
from ftm_ray.run.planning.work import Work, config_of, parse_nodes

WORK = Work(5_000, 2_000_000, 95_000)


def ask(nodes, endpoint="none", work=WORK, market="spot"):
    made = parse_nodes(nodes)
    return Ask(work, made, config_of(RunConfig(), endpoint, made), market)


def test_the_stages_add_up_and_lie_in_their_bands():
    plan = make_plan(ask(["g6.xlarge=4"], "serve"), known_rates(), default_prices())
    assert [stage.name for stage in plan.stages] == ["start", "model", "map", "reduce", "idle"]
    assert plan.wall_s == pytest.approx(sum(stage.seconds for stage in plan.stages if stage.name != "idle"))
    for stage in plan.stages:
        assert stage.low_s <= stage.seconds <= stage.high_s
    assert plan.low_s < plan.wall_s < plan.high_s
    assert plan.low_usd < plan.usd < plan.high_usd


def test_dollars_are_hours_times_prices_of_all_nodes_with_the_head():
    plan = make_plan(ask(["g6.xlarge=4"]), known_rates(), default_prices())
    hours = (plan.wall_s + 300) / 3600
    assert plan.usd == pytest.approx(hours * (4 * 0.33 + 0.192) + plan.s3_usd)
    assert 0 < plan.s3_usd < 0.01
    assert sum(stage.usd for stage in plan.stages) == pytest.approx(plan.usd - plan.s3_usd)


def test_a_missing_price_is_named_and_no_dollar_is_said():
    plan = make_plan(ask(["g5.xlarge=4"]), known_rates(), default_prices())
    assert plan.missing_prices == ("g5.xlarge (spot)",)
    assert plan.usd is None and {stage.usd for stage in plan.stages} == {None}
    assert make_plan(ask(["g5.xlarge=4"], market="on-demand"), known_rates(), default_prices()).usd > 0


def test_this_machine_costs_nothing_and_has_no_node_to_add():
    plan = make_plan(ask([], work=Work(10, 5_000, 250)), known_rates(), default_prices())
    assert plan.usd == 0.0 and not plan.fleet.is_cluster
    assert [stage.name for stage in plan.stages] == ["start", "map", "reduce"]


def test_tokens_of_an_endpoint_are_paid_and_those_of_a_served_model_are_not():
    prices = Prices(
        nodes={"g6.xlarge": NodePrice(spot=0.36), "m6i.xlarge": NodePrice(on_demand=0.2)},
        s3=default_prices().s3,
        llm={"Qwen/Qwen3-8B": TokenPrice(prompt=0.1, completion=0.4)},
    )
    paid = make_plan(ask(["g6.xlarge=4"], "https://llm.example/v1"), known_rates(), prices)
    assert paid.tokens_usd == pytest.approx(95_000 * (612 * 0.1 + 60 * 0.4) / 1e6)
    assert make_plan(ask(["g6.xlarge=4"], "serve"), known_rates(), prices).tokens_usd is None
    unknown = make_plan(ask(["g6.xlarge=4"], "https://llm.example/v1"), known_rates(), default_prices())
    assert unknown.usd is None and unknown.missing_prices == ("tokens of Qwen/Qwen3-8B",)


def test_one_more_node_makes_the_map_faster_and_one_more_copy_the_naming():
    more = with_one_more(ask(["16cores=2"]))
    assert [kind.max_nodes for kind in more.nodes] == [3]
    plans = [make_plan(one, known_rates(), default_prices()) for one in (ask(["16cores=2"]), more)]
    assert plans[1].parts.find == pytest.approx(plans[0].parts.find * 2 / 3)
    served = with_one_more(ask(["g6.xlarge=4"], "serve"))
    plans = [make_plan(one, known_rates(), default_prices()) for one in (ask(["g6.xlarge=4"], "serve"), served)]
    assert (plans[0].fleet.n_copies, plans[1].fleet.n_copies) == (1, 2)
    assert plans[0].bottleneck == "name"
    assert plans[1].parts.name == pytest.approx(plans[0].parts.name / 2)


@pytest.mark.parametrize("nodes", [["16cores=2", "g6.xlarge=4"], ["g6.xlarge=4", "16cores=2"]])
def test_one_more_copy_gets_a_node_with_a_card_wherever_that_stands(nodes):
    more = with_one_more(ask(nodes, "serve"))
    assert {kind.name: kind.max_nodes for kind in more.nodes} == {"g6.xlarge": 5, "16cores": 2}
    assert plan_one_more(ask(nodes, "serve"), known_rates(), default_prices()).fleet.n_copies == 2


def test_one_more_that_does_not_fit_is_left_out():
    """A small node brings two places, and a copy is reckoned to take the three that it takes of a large one."""
    small = NodeType(name="small", cpus=2, gpus=1, accelerator="L4")
    nodes = (small, NodeType(name="large", cpus=4, gpus=1, accelerator="L4", max_nodes=2))
    config = config_of(RunConfig(serve=ServeSettings(max_replicas=3)), "serve", nodes)
    full = Ask(WORK, nodes, config)
    assert make_plan(full, known_rates(), default_prices()).fleet.n_actors == 1
    with pytest.raises(ConfigError, match="no topic actor fits"):
        make_plan(with_one_more(full), known_rates(), default_prices())
    assert plan_one_more(full, known_rates(), default_prices()) is None


def test_this_machine_has_no_other_beside_it():
    assert plan_one_more(ask([]), known_rates(), default_prices()) is None


def test_what_was_not_measured_is_told():
    plan = make_plan(ask(["g6.xlarge=4"], "serve"), known_rates(), default_prices())
    names = {rate.name for rate in plan.not_measured}
    assert {"named_per_s_l4", "encode_card_s", "node_start_s"} <= names
    here = make_plan(ask([], work=Work(10, 5_000, 250)), known_rates(), default_prices())
    assert not here.not_measured


def test_what_was_not_measured_has_a_wide_band():
    for rate in known_rates().rates.values():
        width = max(rate.low, rate.high) / max(min(rate.low, rate.high), 1e-12)
        assert rate.measured or rate.name == "idle_s" or width >= 1.8, rate.name


def test_it_is_json():
    told = as_json(make_plan(ask(["g6.xlarge=4"], "serve"), known_rates(), default_prices()))
    assert json.loads(json.dumps(told, default=str))["fleet"]["nodes"] == {"g6.xlarge": 4}


def test_a_rate_outside_its_band_is_refused():
    with pytest.raises(ValueError, match="rate a: 3 is not between 1 and 2"):
        Rate("a", 3, 1, 2, "", True, "", "", None)
