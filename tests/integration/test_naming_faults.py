"""Runs against an endpoint that fails on purpose: every question is counted, no topic is lost, and the exit is right.

One map serves all tests of this file, in order: they follow one quarter through a bad day. Those of `make chaos` begin
on the day after.
"""

import hashlib
import json
import shutil
import threading
from collections import Counter

import pyarrow.compute as pc
import pytest
from llm_server import LlmServer, completion, in_its_words, reset
from sample import HALF, QUARTER, prefetch_sample, published_bytes, record

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import ConfigError, QualityError
from ftm_ray.lake import runs
from ftm_ray.lake.storage import Lake
from ftm_ray.results.names_read import read_names
from ftm_ray.results.status import quarter_status
from ftm_ray.run.pipeline import run_quarter


def digest(body) -> int:
    """A number that belongs to the question: the same for each try, reminders left out."""
    material = body["messages"][1]["content"].split("\n\n")[0]
    return int(hashlib.sha256(material.encode()).hexdigest(), 16)


def good(body):
    """A good answer of its own for each question."""
    return in_its_words(body)


BAD = {
    "prose": ("not_json", completion("The firms talk about freight.")),
    "cut": ("cut_off", completion('{"label": "Frei', "length")),
    "think": ("thoughts", completion('<think>hm</think>{"label": "a", "summary": "b"}')),
    "empty": ("empty", completion("")),
    "filter": ("not_stopped", completion("{}", "content_filter")),
    "refused": ("rejected", (422, {"error": {"message": "no"}}, {})),
}
KINDS = list(BAD)


class BadDay:
    """Refuses one topic in four for good, each in its own way; the rest gets good answers."""

    def __init__(self):
        self.kinds = Counter()
        self.lock = threading.Lock()
        self.seen = set()

    def __call__(self, _, body):
        n = digest(body)
        if n % 4 or "Good morning" in body["messages"][1]["content"]:
            return good(body)
        kind = KINDS[n // 4 % len(KINDS)]
        with self.lock:
            if n not in self.seen:
                self.seen.add(n)
                self.kinds[BAD[kind][0]] += 1
        return BAD[kind][1]


class Restless:
    """Fails the first try of each question in a way that passes: 503, 429 with Retry-After, reset, hang."""

    def __init__(self):
        self.seen = Counter()
        self.lock = threading.Lock()

    def __call__(self, _, body):
        n = digest(body)
        with self.lock:
            self.seen[n] += 1
            if self.seen[n] > 1 or "Good morning" in body["messages"][1]["content"]:
                return good(body)
        ways = [
            (503, {"error": {"message": "overloaded"}}, {}),
            (429, {"error": {"message": "slow down"}}, {"Retry-After": "1"}),
            reset(),
            (500, "<html>Internal error</html>", {}),
        ]
        return ways[n % len(ways)]


def config(url: str, **settings) -> RunConfig:
    limits = {"timeout_s": 5.0, "max_attempts": 4, "patience_s": 5.0, "max_concurrency": 8} | settings
    return RunConfig(llm=LlmSettings(endpoint=url, model="tiny", **limits))


@pytest.fixture(scope="module")
def bad_day_lake(tmp_path_factory, ray_cluster):
    return prefetch_sample(tmp_path_factory.mktemp("bad-day"))


@pytest.fixture
def day_after(bad_day_lake):
    """The quarter named and published; by a good endpoint, where no bad day was before."""
    if not published_bytes(bad_day_lake):
        with LlmServer(lambda _, body: good(body)) as server:
            run_quarter(bad_day_lake.root, QUARTER, config(server.url), lambda _: None)
    return bad_day_lake


def keep_answers(lake, are_kept):
    folder = lake.answers_dir(QUARTER)
    for file in lake.list_files(folder):
        table = lake.read_table(f"{folder}/{file}")
        lake.write_table(f"{folder}/{file}", table.filter(are_kept(table["content"])))


def forget_refused(lake):
    """What a person does who has mended the endpoint: refused answers are kept, and would be refused again."""
    keep_answers(lake, lambda content: pc.match_substring(content, "Firms speak of"))


def before_themes(lake, root) -> Lake:
    """A copy of a published quarter as it was when all topics had names, and no theme was asked about."""
    shutil.copytree(lake.root, root, ignore=shutil.ignore_patterns("processed", "sentiment-ready", "runs", "locks"))
    copy = Lake(str(root))
    keep_answers(copy, lambda content: pc.invert(pc.match_substring(content, '"description"')))
    return copy


def map_status(lake):
    return quarter_status(lake, QUARTER).maps[0]


def test_refused_answers_are_counted_each_and_block_the_publication(bad_day_lake):
    day = BadDay()
    with LlmServer(day) as server, pytest.raises(QualityError) as stopped:
        run_quarter(bad_day_lake.root, QUARTER, config(server.url), lambda _: None)
    status = map_status(bad_day_lake)
    assert sum(day.kinds.values()) == status.n_topics - status.n_named > 0
    for outcome, n in day.kinds.items():
        assert f"{outcome} {n}" in str(stopped.value)
    assert f"named {status.n_named} of {status.n_topics} topics" in str(stopped.value)
    assert stopped.value.exit_code == 3
    assert published_bytes(bad_day_lake) == {}


def test_a_wrong_key_stops_the_run_at_once(bad_day_lake):
    with (
        LlmServer(lambda *_: (401, {"error": {"message": "bad key"}}, {})) as server,
        pytest.raises(ConfigError, match="refuses the key in FTM_LLM_API_KEY"),
    ):
        run_quarter(bad_day_lake.root, QUARTER, config(server.url), lambda _: None)
    assert len(server.requests) == 1


def outcomes(lake):
    return Counter(read_names(lake, QUARTER, n_names=1).outcomes)


def test_refused_answers_are_not_asked_for_again(bad_day_lake):
    """Prompt, model and guards are the same, so the answers would be, too: only what was never answered is asked."""
    before = outcomes(bad_day_lake)
    with LlmServer(lambda _, body: good(body)) as server, pytest.raises(QualityError, match="nothing was published"):
        run_quarter(bad_day_lake.root, QUARTER, config(server.url), lambda _: None)
    asked = [shown for shown in server.shown if "Good morning" not in shown]
    assert len(asked) == before["rejected"]
    assert outcomes(bad_day_lake) == before - Counter(rejected=len(asked)) + Counter(named=len(asked))


def test_the_same_command_asks_only_for_what_is_missing_and_outlasts_a_restless_endpoint(bad_day_lake):
    before = map_status(bad_day_lake)
    n_missing = before.n_topics - before.n_named
    forget_refused(bad_day_lake)
    with LlmServer(Restless()) as server:
        outcome = run_quarter(bad_day_lake.root, QUARTER, config(server.url), lambda _: None)
    llm, quality = outcome.record["llm"], outcome.record["quality"]
    assert llm["topics"]["outcomes"] == {"named": n_missing}
    assert llm["themes"]["outcomes"] == {"named": quality["n_themes"]}
    assert llm["topics"]["n_retries"] == n_missing
    n_requests = sum(llm[phase]["n_requests"] for phase in ("check", "topics", "themes"))
    assert n_requests == len(server.requests)
    assert outcome.record["naming"]["n_llm"] == before.n_topics
    rows = bad_day_lake.read_folder(bad_day_lake.table_dir("topics", QUARTER)).to_pylist()
    assert {row["summary_source"] for row in rows} == {"llm"}
    keys = [(row["firm_id"], row["topic_id"]) for row in rows]
    assert len(keys) == len(set(keys)) == before.n_topics
    labels = [t["label"] for t in bad_day_lake.read_folder(bad_day_lake.table_dir("themes", QUARTER)).to_pylist()]
    assert len(labels) == len(set(labels))


@pytest.mark.chaos
def test_a_repeated_run_asks_nothing_and_publishes_the_same_bytes(day_after):
    lake = day_after
    published = published_bytes(lake)
    first = record(lake)
    lake.delete_file(lake.run_file(QUARTER, first["run_id"]))
    for part in lake.list_files(lake.parts_dir(QUARTER, first["map_id"])):
        lake.delete_file(f"{lake.parts_dir(QUARTER, first['map_id'])}/{part}")
    with LlmServer(lambda *_: (503, "", {})) as server:  # down: whoever asked would be lost
        outcome = run_quarter(lake.root, QUARTER, config(server.url, patience_s=0.0), lambda _: None)
    assert outcome.record["llm"]["topics"]["n_remembered"] == first["counts"]["n_topics"]
    assert outcome.record["llm"]["topics"]["n_requests"] == outcome.record["llm"]["themes"]["n_requests"] == 0
    assert len(server.requests) == 1  # the question before the run
    assert published_bytes(lake) == published
    assert json.dumps(outcome.record["naming"]) == json.dumps(first["naming"])


@pytest.mark.chaos
def test_newer_guards_make_a_new_map_that_judges_what_was_paid_for(day_after, monkeypatch):
    """Their code is part of the ids; the answers are kept by the question alone."""
    lake = day_after
    first = record(lake)
    for version in ("code_version", "map_code_version"):
        monkeypatch.setattr(runs, version, lambda: f"{first['code_version']}-with-newer-guards")
    with LlmServer(lambda *_: (503, "", {})) as server:  # down: whoever asked would be lost
        outcome = run_quarter(lake.root, QUARTER, config(server.url, patience_s=0.0), lambda _: None)
    assert outcome.record["map_id"] != first["map_id"]
    topics = outcome.record["llm"]["topics"]
    assert (topics["n_requests"], topics["n_remembered"]) == (0, first["counts"]["n_topics"])
    assert len(server.requests) == 1  # the question before the run
    assert outcome.record["naming"] == first["naming"]


@pytest.mark.chaos
def test_an_endpoint_that_hangs_is_given_up_and_says_so(ray_cluster, tmp_path):
    lake = prefetch_sample(tmp_path, files=HALF)
    with LlmServer(lambda _, body: good(body), delay_s=3.0) as server, pytest.raises(QualityError) as stopped:
        run_quarter(
            lake.root, QUARTER, config(server.url, timeout_s=0.2, max_attempts=2, patience_s=1.0), lambda _: None
        )
    assert "given_up" in str(stopped.value)
    status = map_status(lake)
    assert (status.n_named, status.n_left) == (0, 0)  # the map's work is kept
    assert len(server.requests) < status.n_topics  # nobody hammers a dead endpoint
    assert published_bytes(lake) == {}


def test_refused_themes_are_said_in_sentences_and_not_as_a_traceback(day_after, tmp_path):
    """They are refused in the last actor, so that the error crosses Ray. All topics have their names already."""
    lake = before_themes(day_after, tmp_path / "root")

    def answer(_, body):
        return good(body) if "Good morning" in body["messages"][1]["content"] else completion("Firms talk of freight.")

    with LlmServer(answer) as server, pytest.raises(QualityError) as stopped:
        run_quarter(lake.root, QUARTER, config(server.url), lambda _: None)
    message = str(stopped.value)
    assert message.startswith(f"the LLM at {server.url} described 0 of ")
    assert "ftm llm read" in message
    assert "Traceback" not in message and "ray::" not in message
    assert published_bytes(lake) == {}
