"""The line that says what a run has cost."""

import pytest

from ftm_ray.cli.screens.cost import cost_line, dollars
from ftm_ray.lake.s3_traffic import S3Traffic
from ftm_ray.machines.cost import THIS_MACHINE, NodeTime, Tokens, Used, run_cost
from ftm_ray.machines.prices import default_prices

SPOT = NodeTime("g6.xlarge", "spot", 3000.0, 600.0)


def line(nodes, traffic=None, tokens=None, before=0):
    cost = run_cost(Used(nodes, traffic, tokens), default_prices(), 100, 2_500)
    return cost_line({"cost": cost | {"n_batches_before": before}})


def test_dollars_with_what_they_were_for():
    assert line([SPOT, SPOT], S3Traffic(n_puts=100, bytes_up=2_000_000)) == (
        "$0.66, $0.0066 a firm, $0.26 per 1,000 topics: 2 x g6.xlarge spot, together 2 h 0 min at $0.33 an hour; "
        "100 requests to S3, 2.0 MB up, 0.0 MB down"
    )


def test_this_machine():
    assert line([NodeTime(THIS_MACHINE, None, 95.0)]) == "$0: 2 min of this machine"


def test_what_is_missing_is_named_and_an_earlier_run_is_told():
    words = line([NodeTime("c7i.4xlarge", "spot", 60.0)], tokens=Tokens("m", 10, 0, 5), before=1)
    assert words.startswith(
        "not known, as a price is missing: c7i.4xlarge (spot), tokens of m (--prices, docs/plan.md). "
    )
    assert "1 x c7i.4xlarge spot, together 60 s at no price; 10 tokens to m, 5 from it" in words
    assert words.endswith("; 1 batch made by an earlier run, whose cost is not in it")


def test_a_run_of_an_earlier_version_has_no_such_line():
    assert cost_line({}) is None and cost_line({"cost": None}) is None


@pytest.mark.parametrize(("usd", "words"), [(0, "$0.00"), (0.00012, "$0.00012"), (0.5, "$0.5"), (1234.5, "$1,234.50")])
def test_small_sums_keep_the_digits_that_say_something(usd, words):
    assert dollars(usd) == words
