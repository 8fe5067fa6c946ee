"""A whole run whose topics and themes are named by a model that the same Ray serves: real vLLM, real Serve, real HTTP.

The model is tiny and its weights are random: its words mean nothing, the guards refuse them, and a run with the usual
gates publishes nothing. With the gate open, what is asked, kept and counted can be followed to the end.
"""

import json
import re
import subprocess
import threading
import time
import urllib.request

import pytest
from autoscaling import autoscaling_cluster
from command import ftm, start_ftm
from processes import titled
from s3_server import free_port
from sample import HALF, QUARTER, prefetch_sample, published_bytes, record
from tiny_model import make_tiny_model

pytest.importorskip("vllm", reason="vLLM is not installed (make setup installs it for the tests)")

from ftm_ray.config import GateSettings, LlmSettings, RunConfig, ServeSettings
from ftm_ray.lake.runs import published_record
from ftm_ray.run.pipeline import RunOptions, run_quarter
from ftm_ray.serving.deployment import down, status


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    model = make_tiny_model(tmp_path_factory.mktemp("model"))
    return RunConfig(
        # One question at a time: which ones vLLM computes together changes the last digits, and with them words.
        llm=LlmSettings(endpoint="serve", model=str(model), max_concurrency=1),
        serve=ServeSettings(preset="cpu"),
        gates=GateSettings(min_llm_ratio=0.0),
    )


@pytest.fixture(scope="module")
def outcome(tmp_path_factory, ray_cluster, config):
    """A run that leaves the model up, so that the engine can be asked how many answers it gave."""
    lake = prefetch_sample(tmp_path_factory.mktemp("served"), files=HALF)
    yield lake, run_quarter(lake.root, QUARTER, config, lambda _: None, RunOptions(keep_llm=True))
    down()


def answers_given() -> int:
    """How many requests the engine says it has finished; its numbers reach Ray's metrics some seconds late."""
    import ray

    node = ray.nodes()[0]
    url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    text = urllib.request.urlopen(url, timeout=10).read().decode()
    counts = re.findall(r"^ray_vllm_request_success_total\{.*\} ([\d.e+]+)$", text, re.MULTILINE)
    return round(sum(float(count) for count in counts))


def test_every_topic_and_theme_is_asked_about_and_noise_is_refused(outcome):
    lake, done = outcome
    counts, naming, llm = done.record["counts"], done.record["naming"], done.record["llm"]
    assert counts["n_topics"] > 20
    assert naming["n_llm"] + naming["n_keywords"] == counts["n_topics"]
    assert naming["n_llm"] < 0.1 * counts["n_topics"]
    assert sum(llm["topics"]["outcomes"].values()) == counts["n_topics"]
    assert sum(llm["themes"]["outcomes"].values()) == done.record["quality"]["n_themes"]
    refused = set(llm["topics"]["outcomes"]) - {"named"}
    assert refused <= {"looped", "cut_text", "too_short", "cut_label", "unsupported", "task_words"}
    topics = lake.read_folder(lake.table_dir("topics", QUARTER)).to_pylist()
    assert {topic["summary_source"] for topic in topics} <= {"llm", "keywords"}
    assert llm["topics"]["cached_tokens"] > 0.2 * llm["topics"]["prompt_tokens"]  # the rules were read once


def test_the_engine_counts_the_answers_that_we_count(outcome):
    _, done = outcome
    llm = done.record["llm"]
    ours = llm["topics"]["n_requests"] + llm["themes"]["n_requests"] + 1  # the question that shows that it is up
    deadline = time.time() + 60
    while answers_given() < ours and time.time() < deadline:
        time.sleep(1)
    assert answers_given() == ours


@pytest.mark.chaos
def test_a_rerun_asks_nothing_and_ends_with_the_model_gone(outcome, config):
    lake, _ = outcome
    published, first = published_bytes(lake), record(lake)
    down()
    lake.delete_file(lake.run_file(QUARTER, first["run_id"]))
    folder = lake.parts_dir(QUARTER, first["map_id"])
    for part in lake.list_files(folder):
        lake.delete_file(f"{folder}/{part}")
    again = run_quarter(lake.root, QUARTER, config, lambda _: None)
    assert again.record["llm"]["topics"]["n_remembered"] == first["counts"]["n_topics"]
    assert again.record["llm"]["topics"]["n_requests"] == again.record["llm"]["themes"]["n_requests"] == 0
    assert published_bytes(lake) == published
    assert status().state == "down"


class EngineWatch:
    """Notes the processes of vLLM's engine while something runs."""

    def __init__(self) -> None:
        self.pids: set[int] = set()
        self.is_whole = False
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._is_over.wait(0.5):
            self.pids |= {process.pid for process in titled("VLLM::Engine")}
        self.is_whole = True

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()
        assert self.is_whole, "it ended before its time"


@pytest.mark.chaos
def test_one_model_names_several_quarters_and_goes_with_the_last(config, ray_cluster, tmp_path):
    lake = prefetch_sample(tmp_path / "root", files=HALF)
    prefetch_sample(tmp_path / "root", files=HALF, quarter="2024Q2")
    settings = tmp_path / "run.toml"
    settings.write_text(
        f"workers = 1\n[llm]\nmodel = '{config.llm.model}'\nmax_concurrency = 1\n"
        f"[serve]\npreset = 'cpu'\nport = {free_port()}\n[gates]\nmin_llm_ratio = 0.0\n"
    )
    arguments = ("--root", lake.root, "--llm", "serve", "--config", settings, "--json")
    with EngineWatch() as watch:
        done = ftm("run-quarters", "2023Q4,2024Q1..2024Q2", *arguments)
    assert done.exit_code == 4, done.stderr  # of the quarter that failed
    rows = json.loads(done.stdout)
    assert [(row["quarter"], row["status"]) for row in rows] == [
        ("2023Q4", "failed"),  # the sample has no call in it
        ("2024Q1", "published"),
        ("2024Q2", "published"),
    ]
    assert len(watch.pids) == 1  # started once, kept between the quarters
    for quarter in ("2024Q1", "2024Q2"):
        topics = published_record(lake, quarter)["llm"]["topics"]
        assert topics["n_requests"] > 20
    assert status().state == "down"


@pytest.fixture
def cluster(outcome):
    """From no node at all, with a token. Made after the tests above: both models at once are too much for two cores."""
    down()
    with autoscaling_cluster(n_gpu_nodes=3, with_dashboard=True, token="e" * 64) as cluster:
        yield cluster


@pytest.mark.chaos
def test_a_job_on_a_cluster_that_begins_with_no_node_publishes_the_same_bytes(outcome, config, cluster, tmp_path):
    """Nodes come for the model and for the map of a job that was sent with a token, and go when it is through."""
    lake, done = outcome
    from_zero = prefetch_sample(tmp_path / "root", files=HALF)
    settings = tmp_path / "run.toml"
    settings.write_text(
        f"workers = 2\n[llm]\nmodel = '{config.llm.model}'\nmax_concurrency = 1\n[serve]\npreset = 'cpu'\n"
        f"port = {free_port()}\n"
        f"[gates]\nmin_llm_ratio = 0.0\n[cluster]\nfile = '{cluster.file}'\ndevice = 'cpu'\nactors_per_gpu = 1\n"
    )
    arguments = ("--root", from_zero.root, "--llm", "serve", "--config", str(settings), "--address", cluster.dashboard)
    process = start_ftm("submit", QUARTER, *arguments, environment=cluster.environment(), stderr=subprocess.STDOUT)
    try:
        log, _ = process.communicate(timeout=900)
    finally:
        process.kill()
    assert process.returncode == 0, log
    cluster.wait_for(0, within_s=120)
    print("workers:", list(zip(cluster.times, cluster.counts, strict=True)), log)
    assert 2 <= max(cluster.counts) <= 3
    assert published_bytes(from_zero) == published_bytes(lake)
    assert record(from_zero)["run_id"] == done.record["run_id"]
    llm = record(from_zero)["llm"]
    assert llm["topics"]["n_requests"] == done.record["llm"]["topics"]["n_requests"] > 20
