"""What a run tells others: metrics, scraped from Ray's real endpoint while it goes on; and a message at its end.

The Grafana dashboard's expressions are answered by a real Prometheus, where there is one."""

import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import start_ftm
from grafana import ONLY_WITH_CARDS, expressions, for_prometheus, metric_names
from head import ray_environment, started_head
from llm_server import LlmServer, busy, in_its_words
from prometheus import Prometheus, find_prometheus, scraping
from ray.util import get_node_ip_address
from sample import QUARTER, prefetch_sample, record
from webhook import SECRET, hook

from ftm_ray.lake.storage import Lake
from ftm_ray.run.metrics import GAUGES

pytestmark = pytest.mark.chaos

_LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_TAG = re.compile(r'(\w+)="([^"]*)"')

_OWN_TAGS = {"le", *(tag for _, tags in GAUGES.values() for tag in tags)}

Sample = tuple[str, frozenset[tuple[str, str]]]


def read_metrics(address: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name, tags and value of each line of a scrape."""
    with urllib.request.urlopen(address, timeout=10) as reply:
        for line in reply.read().decode().splitlines():
            if match := _LINE.match(line):
                yield match[1], dict(_TAG.findall(match[2] or "")), float(match[3])


@dataclass
class Seen:
    """What was scraped while a run went on, and what it wrote.

    Attributes:
        names: Of all metrics.
        last: The last value of each of the run's own metrics, by its name and its own tags.
        record: run.json.
        lake, output, messages: What the run wrote, printed, and told the webhook.
        series: How many series Prometheus had for each expression of the dashboard; empty without Prometheus.
    """

    names: set[str] = field(default_factory=set)
    last: dict[Sample, float] = field(default_factory=dict)
    record: dict = field(default_factory=dict)
    lake: Lake | None = None
    output: str = ""
    messages: list[str] = field(default_factory=list)
    series: dict[str, int] = field(default_factory=dict)

    def scrape(self, address: str) -> None:
        for name, tags, value in read_metrics(address):
            self.names.add(name)
            if name.startswith("ray_ftm_"):
                self.last[name, frozenset(item for item in tags.items() if item[0] in _OWN_TAGS)] = value

    def value(self, name: str, **tags: str) -> float | None:
        return self.last.get((f"ray_ftm_{name}", frozenset(tags.items())))


def wait_for_metrics(address: str) -> None:
    """The agent that exports them starts after the head answers."""
    deadline = time.monotonic() + 120
    while True:
        try:
            next(read_metrics(address), None)
            return
        except OSError:
            assert time.monotonic() < deadline, "Ray exports no metrics"
            time.sleep(0.5)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The sample quarter, named by an endpoint of which some answers fail, run on a head of its own."""
    lake = prefetch_sample(tmp_path_factory.mktemp("metrics"))
    seen = Seen()

    def answer(number, body):
        return busy() if number in (5, 9) else in_its_words(body)

    with (
        started_head(with_dashboard=True) as head,
        hook(200) as webhook,
        LlmServer(answer, delay_s=0.3) as llm,
        scraping(head.metrics) if find_prometheus() else nullcontext() as prometheus,
    ):
        wait_for_metrics(head.metrics)
        prices = Path(lake.root) / "prices.toml"  # a head of one's own has no EC2 type, but its address
        of_model = '[llm."Qwen/Qwen3-8B"]\nprompt = 0.05\ncompletion = 0.2\n'
        prices.write_text(f'[nodes]\n"{get_node_ip_address()}" = 1.0\n{of_model}', encoding="utf-8")
        environment = ray_environment() | {"RAY_ADDRESS": head.address, "FTM_NOTIFY_WEBHOOK": webhook.address}
        start = time.time()
        process = start_ftm(
            "run", QUARTER, "--root", lake.root, "--llm", llm.url, "--prices", str(prices), environment=environment
        )
        while process.poll() is None:
            seen.scrape(head.metrics)
            time.sleep(1)
        seen.output = process.stdout.read()
        assert process.returncode == 0, seen.output
        seen.scrape(head.metrics)  # the driver's last values came on its way out
        if prometheus is not None:
            time.sleep(2)
            seen.series = answered(prometheus, start, time.time())
    seen.lake, seen.record, seen.messages = lake, record(lake), webhook.texts
    return seen


def answered(prometheus: Prometheus, start: float, end: float) -> dict[str, int]:
    """How many series each expression of the dashboard gave."""
    return {
        expr: len(prometheus.ranges(for_prometheus(expr, QUARTER, "20s"), start, end))
        for exprs in expressions().values()
        for expr in exprs
    }


def test_everything_that_the_dashboard_asks_for_is_exported(seen):
    assert metric_names() - seen.names == ONLY_WITH_CARDS


def test_the_last_values_are_those_of_run_json(seen):
    counts, naming, llm = seen.record["counts"], seen.record["naming"], seen.record["llm"]
    for state in ("done", "failed", "skipped"):
        assert seen.value("firms", state=state) == counts[f"n_{state}"]
    assert seen.value("firms", state="left") == seen.value("sentences", state="left") == 0
    assert seen.value("sentences", state="done") == counts["n_sentences"]
    assert seen.value("topics", named_by="llm") == naming["n_llm"]
    assert seen.value("topics", named_by="keywords") == naming["n_keywords"]
    assert seen.value("themes") == seen.record["quality"]["n_themes"]
    assert seen.value("seconds_left") == 0
    assert seen.value("dollars") == seen.record["cost"]["usd"] > 0
    for of, name in (("topics", "support_auc"), ("themes", "theme_support_auc")):
        assert seen.value("support_auc", of=of) == naming[name]
    for phase in ("topics", "themes"):
        account = llm[phase]
        assert seen.value("llm_requests", phase=phase) == account["n_requests"]
        assert seen.value("llm_retries", phase=phase) == account["n_retries"]
        for outcome, n in account["outcomes"].items():
            assert seen.value("llm_questions", phase=phase, outcome=outcome) == n
        for kind in ("prompt", "cached", "completion"):
            assert seen.value("llm_tokens", phase=phase, kind=kind) == account[f"{kind}_tokens"]
        n_timed = seen.last["ray_ftm_llm_latency_seconds_count", frozenset({("phase", phase)})]
        assert n_timed == account["n_requests"] == sum(account["latencies"].values())
    assert llm["topics"]["n_retries"] == 2


def test_latencies_lie_where_the_endpoint_put_them(seen):
    """It takes 0.3 s over an answer, and says at once that it is busy."""
    under = {
        float(dict(tags)["le"]): n
        for (name, tags), n in seen.last.items()
        if name == "ray_ftm_llm_latency_seconds_bucket" and ("phase", "topics") in tags
    }
    n = seen.record["llm"]["topics"]["n_requests"]
    assert under[0.25] <= 2
    assert under[float("inf")] == n
    assert under[8.0] > 0.9 * n


@pytest.mark.skipif(find_prometheus() is None, reason="needs Prometheus: apt install prometheus, or FTM_PROMETHEUS")
def test_prometheus_answers_every_expression_of_the_dashboard(seen):
    empty = {expr for expr, n in seen.series.items() if n == 0}
    allowed = {"ray_node_gpus_utilization"} | {expr for expr in seen.series if 'outcome!="named"' in expr}
    assert empty <= allowed


def test_the_webhook_is_told_once_and_its_address_stands_nowhere(seen):
    counts, lake = seen.record["counts"], seen.lake
    (text,) = seen.messages
    assert text.startswith(f"{QUARTER} is published, in ")
    assert f"firms: {counts['n_firms']} = {counts['n_done']} done" in text
    assert f"{seen.record['naming']['n_llm']} topics by " in text
    assert text.endswith(f"next: ftm themes {QUARTER} --root {lake.root}")
    assert SECRET not in seen.output
    files = [path for path in Path(lake.root).rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
