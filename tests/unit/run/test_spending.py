"""What a run has used, put together: traffic of all processes, tokens of all phases, and nothing paid twice."""

import time

import pytest

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.lake.s3_traffic import S3Traffic, taken
from ftm_ray.machines.cost import THIS_MACHINE
from ftm_ray.machines.prices import Prices, S3Price, TokenPrice
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.record import RunLog
from ftm_ray.run.reduce_report import ReduceReport
from ftm_ray.run.spending import cost_of_run

PRICES = Prices(s3=S3Price(writes=5, reads=1), llm={"m": TokenPrice(prompt=1, cached=0, completion=10)})


@pytest.fixture(autouse=True)
def embedded(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    taken()


def cost(root="lake", endpoint="none", served_at=None, **log):
    llm = LlmSettings(endpoint=endpoint, model="m")
    config = RunConfig(llm=llm.served_at(served_at) if served_at else llm)
    report = ReduceReport(
        theme_account=LlmAccount(prompt_tokens=100, cached_tokens=50, completion_tokens=10),
        traffic=S3Traffic(n_puts=30),
    )
    return cost_of_run(root, config, PRICES, RunLog(**log), report)


def test_a_run_in_a_folder_without_llm_costs_the_time_of_this_machine():
    found = cost(started=time.time() - 7, n_actors=2, n_batches_before=3)
    assert found["usd"] == 0.0 and found["s3"] is None and found["llm"] is None
    (node,) = found["nodes"]
    assert node["type"] == THIS_MACHINE and 7 <= node["node_s"] < 30
    assert (found["n_actors"], found["n_batches_before"]) == (2, 3)


def test_requests_of_actors_of_the_last_step_and_of_this_process_are_added(s3_of_this_process):
    found = cost("s3://bucket/ftm", traffic=S3Traffic(n_gets=200, bytes_down=7))
    assert (found["s3"]["n_puts"], found["s3"]["n_gets"], found["s3"]["bytes_down"]) == (31, 200, 7)
    assert found["usd"] == pytest.approx(31 / 1000 * 5 + 200 / 1000 * 1)


def test_tokens_of_all_phases_are_paid_where_the_endpoint_is_somebody_elses():
    asked = LlmAccount(prompt_tokens=1_000_000, completion_tokens=100_000)
    check = LlmAccount(prompt_tokens=900, completion_tokens=90)
    found = cost(endpoint="https://llm.example/v1", topics=asked, check=check)
    assert found["llm"]["prompt_tokens"] == 1_001_000 and found["llm"]["completion_tokens"] == 100_100
    assert found["usd"] == pytest.approx((1_000_950 * 1 + 100_100 * 10) / 1e6)


def test_a_model_that_the_cluster_serves_costs_node_seconds_and_no_tokens():
    asked = LlmAccount(prompt_tokens=1_000_000)
    assert cost(endpoint="serve", topics=asked)["llm"] is None
    assert cost(endpoint="serve", served_at="http://10.0.0.1:8000/v1", topics=asked)["llm"] is None  # run-quarters


@pytest.fixture
def s3_of_this_process(s3, tmp_path):
    """This process has sent one request."""
    from ftm_ray.lake.storage import Lake

    Lake(s3.root(tmp_path.name)).write_json("a.json", {})
