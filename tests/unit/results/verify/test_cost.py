"""What a run says it has cost is reckoned again."""

import copy

import pytest

from ftm_ray.lake.s3_traffic import S3Traffic
from ftm_ray.machines.cost import NodeTime, Used, run_cost
from ftm_ray.machines.prices import default_prices
from ftm_ray.results.verify.cost import check_cost

NODES = [NodeTime("g6.xlarge", "spot", 3000.0, 600.0), NodeTime("m6i.xlarge", "on-demand", 4000.0)]
COST = run_cost(Used(NODES, S3Traffic(n_puts=10, n_gets=90)), default_prices(), 12, 61)


def changed(**values):
    cost = copy.deepcopy(COST)
    cost.update(values)
    return {"cost": cost}


def test_a_cost_that_adds_up_passes_and_is_told():
    (check,) = check_cost({"cost": COST})
    assert not check.problems
    assert check.seen == f"${COST['usd']:.4f} is the sum of its parts"


def test_a_version_that_did_not_reckon_has_no_such_check():
    assert check_cost({}) == check_cost({"cost": None}) == []


def test_a_missing_price_is_told():
    cost = run_cost(Used([NodeTime("c7i.4xlarge", "spot", 10.0)]), default_prices(), 12, 61)
    (check,) = check_cost({"cost": cost})
    assert not check.problems and "c7i.4xlarge (spot)" in check.seen


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (changed(usd=9.0), "another sum"),
        (changed(usd=None), "names no price"),
        (changed(nodes=[COST["nodes"][0] | {"usd": 5.0}, COST["nodes"][1]]), "are another sum"),
        (changed(s3=COST["s3"] | {"usd": None}), "a part of it has no price"),
    ],
)
def test_a_cost_that_does_not_add_up_is_found_out(record, words):
    (check,) = check_cost(record)
    assert any(words in problem for problem in check.problems)
