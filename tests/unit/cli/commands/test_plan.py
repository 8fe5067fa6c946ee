"""`ftm plan` as it is typed."""

import json

import pytest
from command import ftm

from ftm_ray.config import RunConfig


def told(*arguments):
    result = ftm("plan", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_plan_on_a_cluster():
    plan = told("--firms", 5000, "--sentences", "2e6", "--nodes", "g6.xlarge=4", "--llm", "serve")
    assert plan["work"] == {"n_firms": 5000, "n_sentences": 2_000_000, "n_topics": 95_400}
    assert plan["usd"] > 0 and "named_per_s_l4" in plan["not_measured"]
    assert plan["one_more_node"]["fleet"]["nodes"] == {"g6.xlarge": 5}


def test_the_screen_says_what_is_waited_for_and_what_was_not_measured():
    result = ftm("plan", "--firms", 5000, "--nodes", "g6.xlarge=4", "--llm", "serve", columns=200)
    assert "naming: more copies of the model" in result.stdout
    assert "one more   g6.xlarge: " in result.stdout
    assert "not measured: named_per_s_l4" in result.stdout


def test_one_more_is_of_the_kind_that_holds_the_model():
    nodes = ("--nodes", "16cores=2", "--nodes", "g6.xlarge=4")
    assert "one more   g6.xlarge: " in ftm("plan", "--firms", 500, *nodes, "--llm", "serve", columns=200).stdout
    assert "one more   16cores: " in ftm("plan", "--firms", 500, *nodes, columns=200).stdout


def test_ones_own_prices(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text('[nodes]\n"g5.xlarge" = 1.0\n"m6i.xlarge" = 0.0\n')
    assert told("--firms", 100, "--nodes", "g5.xlarge=1")["usd"] is None
    plan = told("--firms", 100, "--nodes", "g5.xlarge=1", "--prices", prices)
    assert plan["usd"] - plan["s3_usd"] == pytest.approx((plan["wall_s"] + 300) / 3600)
    settings = tmp_path / "run.toml"
    settings.write_text(f'[cost]\nprices = "{prices}"\n')
    assert told("--firms", 100, "--nodes", "g5.xlarge=1", "--config", settings)["usd"] == plan["usd"]


@pytest.fixture
def run_json(tmp_path):
    """The record of a run of 520 sentences a firm and 0.05 topics a sentence, on this machine."""
    record = {
        "run_id": "2024Q4-abc",
        "config": RunConfig().model_dump(mode="json") | {"llm": RunConfig().llm.model_dump() | {"endpoint": "none"}},
        "counts": {"n_firms": 25, "n_sentences": 13_000, "n_topics": 650},
        "llm": None,
        "seconds": {"embed_s": 200.0, "cluster_s": 40.0, "map": 150.0, "themes": 20.0, "reduce": 40.0, "start": 7.0},
    }
    path = tmp_path / "run.json"
    path.write_text(json.dumps(record))
    return path


def test_an_earlier_run_is_planned_as_it_was(run_json):
    same = told("--from-run", run_json)
    assert same["wall_s"] == pytest.approx(197.0, rel=0.02)
    assert told("--from-run", run_json, "--firms", 50, "--sentences", 26000)["wall_s"] > 1.5 * same["wall_s"]


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ((), (25, 13_000, 650)),
        (("--firms", 50), (50, 26_000, 1_300)),
        (("--sentences", 20_000), (25, 20_000, 1_000)),
        (("--topics", 99), (25, 13_000, 99)),
        (("--sentences", 20_000, "--topics", 99), (25, 20_000, 99)),
        (("--firms", 50, "--topics", 99), (50, 26_000, 99)),
    ],
)
def test_what_is_not_given_is_as_in_the_earlier_run(run_json, arguments, size):
    assert tuple(told("--from-run", run_json, *arguments)["work"].values()) == size


@pytest.mark.parametrize("change", [{"config": None}, {"seconds": None}, {"config": {"embd": {}}}])
def test_a_record_that_is_none_is_one_sentence(run_json, change):
    run_json.write_text(json.dumps(json.loads(run_json.read_text()) | change))
    result = ftm("plan", "--from-run", run_json)
    assert result.exit_code == 2
    assert "is no run.json" in result.stderr and "run.json" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "--firms is missing"),
        (("--firms", 5, "--nodes", "g6.xlarge"), 2, "expected TYPE=NUMBER"),
        (("--firms", 5, "--llm", "gpt"), 2, "expected none, serve, or the URL"),
        (("--firms", 5, "--llm", "serve"), 2, "no GPU"),
        (("--firms", 5, "--from-run", "nowhere.json"), 4, "there is no such file"),
        (("--firms", 5, "--root", "lake"), 2, "--from-run is not given"),
        *(
            (("--firms", 5, f"--sentences={sentences}"), 2, f"--sentences {sentences}: expected at least one")
            for sentences in ("0.2", "nan", "inf", "0", "-1")
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(arguments, code, words):
    result = ftm("plan", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
