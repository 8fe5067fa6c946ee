"""What a run has cost: sums that a person can do again, and null with its reason where a price is missing."""

import json

import pytest

from ftm_ray.lake.s3_traffic import S3Traffic
from ftm_ray.machines.cost import THIS_MACHINE, NodeTime, Tokens, Used, run_cost
from ftm_ray.machines.prices import NodePrice, Prices, S3Price, TokenPrice, load_prices

PRICES = Prices(
    nodes={"g6.xlarge": NodePrice(on_demand=0.8, spot=0.36), "gpu_spot": NodePrice(on_demand=0.5, spot=0.5)},
    s3=S3Price(writes=0.005, reads=0.0004),
    llm={"m": TokenPrice(prompt=0.1, cached=0.05, completion=0.4), "plain": TokenPrice(prompt=1, completion=2)},
)
SPOT = NodeTime("g6.xlarge", "spot", 3000.0, starting_s=600.0, group="workers")


def cost(nodes=(), traffic=None, tokens=None, prices=PRICES):
    return run_cost(Used(nodes, traffic, tokens), prices, n_firms=100, n_topics=2_000)


def test_nodes_are_added_by_type_and_market_with_the_time_before_their_ray():
    found = cost([SPOT, SPOT, NodeTime("g6.xlarge", "on-demand", 900.0)])
    assert [(n["type"], n["market"], n["n_nodes"], n["usd"]) for n in found["nodes"]] == [
        ("g6.xlarge", "on-demand", 1, 0.2),
        ("g6.xlarge", "spot", 2, 0.72),
    ]
    assert found["usd"] == 0.92
    assert (found["usd_per_firm"], found["usd_per_1000_topics"]) == (0.0092, 0.46)
    assert found["missing_prices"] == [] and found["s3"] is None and found["llm"] is None


def test_this_machine_costs_nothing_and_its_seconds_are_told():
    found = cost([NodeTime(THIS_MACHINE, None, 120.0)])
    assert found["usd"] == 0.0
    assert found["nodes"][0]["node_s"] == 120.0


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (NodeTime("c7i.4xlarge", "spot", 10.0), "c7i.4xlarge (spot)"),
        (NodeTime("g6.xlarge", None, 10.0), "g6.xlarge (market not known)"),
    ],
)
def test_a_missing_price_makes_the_sum_null_and_is_named(node, words):
    found = cost([SPOT, node], S3Traffic(n_gets=1000))
    assert found["usd"] is None and found["usd_per_firm"] is None and found["usd_per_1000_topics"] is None
    assert found["missing_prices"] == [words]
    assert {n["usd"] for n in found["nodes"]} == {0.36, None}
    assert found["s3"]["usd"] == 0.0004


def test_the_name_in_the_cluster_file_may_have_the_price():
    assert cost([NodeTime("10.0.0.7", None, 3600.0, group="gpu_spot")])["usd"] == 0.5


def test_ones_own_price_of_the_name_in_the_cluster_file_wins_over_the_default_of_the_type(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[nodes.workers]\nspot = 0.36\nsource = 'our bill'\n")
    (node,) = cost([SPOT], prices=load_prices(file))["nodes"]
    assert (node["usd"], node["price_source"], node["price_of"]) == (0.36, "our bill", None)


@pytest.mark.parametrize("own", ["on_demand = 0.9", "spot = 0.805"])
def test_a_market_that_nobody_knows_costs_something_only_where_both_cost_the_same(tmp_path, own):
    file = tmp_path / "mine.toml"
    file.write_text(f'[nodes."g6.xlarge"]\n{own}\n')
    hour = NodeTime("g6.xlarge", None, 3600.0)
    assert cost([hour], prices=load_prices(file))["usd"] == (0.805 if own.startswith("spot") else None)


def test_nodes_that_ray_did_not_tell_of_are_not_free():
    found = cost(None)
    assert found["usd"] is None and "Ray did not tell" in found["missing_prices"][0]


def test_requests_are_billed_by_class_and_deletes_are_free():
    found = cost([], S3Traffic(n_puts=600, n_lists=400, n_gets=10_000, n_deletes=5, bytes_up=7, bytes_down=8))
    assert found["usd"] == found["s3"]["usd"] == pytest.approx(0.005 + 0.004)
    assert found["s3"]["bytes_down"] == 8
    assert cost([], S3Traffic(n_puts=1), prices=Prices())["missing_prices"] == ["requests to S3"]


def test_tokens_are_billed_by_kind_and_a_cache_only_where_it_has_a_price():
    assert cost([], tokens=Tokens("m", 3_000_000, 1_000_000, 500_000))["usd"] == pytest.approx(0.2 + 0.05 + 0.2)
    assert cost([], tokens=Tokens("plain", 3_000_000, 1_000_000, 500_000))["usd"] == pytest.approx(3 + 1)


def test_an_endpoint_without_a_price_is_not_free_unless_nothing_was_asked():
    found = cost([], tokens=Tokens("other", 10, 0, 1))
    assert (found["usd"], found["llm"]["usd"], found["missing_prices"]) == (None, None, ["tokens of other"])
    assert cost([], tokens=Tokens("other", 0, 0, 0))["usd"] == 0.0


def test_it_is_json():
    found = cost([SPOT], S3Traffic(n_gets=3), Tokens("m", 10, 0, 5))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_nothing_is_divided_by_zero():
    assert run_cost(Used([SPOT]), PRICES, 0, 0)["usd_per_firm"] is None
