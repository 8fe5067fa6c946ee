"""The numbers of a run, as they are set: without Ray they go nowhere, and never fail."""

import pytest

from ftm_ray.errors import QualityError
from ftm_ray.naming.account import LATENCY_BOUNDS_S, LlmAccount
from ftm_ray.run import metrics
from ftm_ray.run.counts import PartCounts
from ftm_ray.run.metrics import RunMetrics, _inside
from ftm_ray.run.progress import Progress, SoFar


class Kept:
    """Stands where Ray's gauge does and keeps the last value of each set of tags."""

    def __init__(self):
        self.values = {}
        self.observed = []

    def set(self, value, tags):
        self.values[tuple(tags.values())] = value

    def observe(self, value, tags):
        self.observed.append((value, tags["phase"]))


@pytest.fixture
def kept(monkeypatch):
    """All gauges by name, and the histogram."""
    found = {name: Kept() for name in (*metrics.GAUGES, metrics.LATENCY)}
    monkeypatch.setattr(metrics, "_gauge", found.__getitem__)
    monkeypatch.setattr(metrics, "_latency", lambda: found[metrics.LATENCY])
    return found


def so_far(left, statuses, account=None):
    counts = PartCounts()
    counts.statuses.update(statuses)
    counts.sources.update({"llm": 8, "keywords": 2})
    counts.n_word_support, counts.word_support = 8, 6.0
    return SoFar(counts, account or LlmAccount(), left)


@pytest.fixture
def run(six_firms_run):
    return RunMetrics(six_firms_run.manifest, lambda: 1.5)


def test_firms_sentences_and_batches_add_up(kept, run, six_firms_run):
    manifest = six_firms_run.manifest
    run.show(Progress("firm topics", 40, 60, "", so_far(1, {"done": 3, "failed": 1})))
    firms = {state: n for (_, state), n in kept["ftm_firms"].values.items()}
    assert firms == {"done": 3, "failed": 1, "skipped": 0, "left": manifest.n_firms - 4}
    quarter = manifest.quarter
    assert kept["ftm_sentences"].values == {(quarter, "done"): 40, (quarter, "left"): 20}
    assert kept["ftm_batches"].values == {(quarter, "done"): len(manifest.batches) - 1, (quarter, "left"): 1}
    assert kept["ftm_topics"].values == {(quarter, "llm"): 8, (quarter, "keywords"): 2}
    assert kept["ftm_word_support"].values == {(quarter,): 0.75}
    assert kept["ftm_dollars"].values == {(quarter,): 1.5}


def test_dollars_that_nobody_knows_are_not_exported(kept, six_firms_run):
    unpriced = RunMetrics(six_firms_run.manifest, lambda: None)
    unpriced.show(Progress("firm topics", 40, 60, "", so_far(1, {"done": 3})))
    assert kept["ftm_dollars"].values == {}


def test_the_clock_of_speed_starts_with_the_first_result(kept, run, monkeypatch):
    now = iter([100.0, 110.0, 130.0])
    monkeypatch.setattr(metrics.time, "monotonic", lambda: next(now))
    for done in (50, 70, 170):  # 50: by an earlier run; 70: the first result
        run.show(Progress("firm topics", done, 270, "", so_far(1, {})))
    (speed,) = kept["ftm_sentences_per_second"].values.values()
    assert speed == 10.0
    assert list(kept["ftm_seconds_left"].values.values()) == [10.0]
    run.show(Progress("missing names", 0, 30, "", so_far(1, {})))  # another stage, another speed
    assert list(kept["ftm_sentences_per_second"].values.values()) == [10.0]


def test_a_stage_that_begins_with_its_numbers_has_a_speed_of_its_own_from_its_second_result_on(kept, run, monkeypatch):
    now = iter([10.0, 15.0, 100.0, 120.0, 120.0])
    monkeypatch.setattr(metrics.time, "monotonic", lambda: next(now))
    for done in (0, 100, 200):
        run.show(Progress("firm topics", done, 200, "", so_far(1, {})))
    for done in (0, 10, 50):
        run.show(Progress("missing names", done, 60, "", so_far(1, {})))
    assert list(kept["ftm_sentences_per_second"].values.values()) == [2.0]
    assert list(kept["ftm_seconds_left"].values.values()) == [5.0]


@pytest.mark.parametrize("error", [QualityError("refused"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_run_that_was_refused_or_stopped(kept, run, error):
    with pytest.raises(type(error)), run.until_the_end():
        for done in (0, 10, 20):
            run.show(Progress("firm topics", done, 100, "", so_far(1, {})))
        assert list(kept["ftm_seconds_left"].values.values())[0] > 0
        raise error
    assert list(kept["ftm_seconds_left"].values.values()) == [0]


def test_each_request_is_observed_once_in_its_interval(kept, run):
    account = LlmAccount()
    for seconds in (0.05, 0.3, 0.4, 99.0):
        account.count_request(seconds)
    run.show(Progress("firm topics", 1, 2, "", so_far(1, {}, account)))
    account.count_request(0.3)
    run.show(Progress("firm topics", 2, 2, "", so_far(0, {}, account)))
    assert sorted(kept[metrics.LATENCY].observed) == [(0.05, "topics"), *[(0.375, "topics")] * 3, (120.0, "topics")]


def test_every_interval_has_an_inside():
    edges = [0.0, *LATENCY_BOUNDS_S]
    for lower, upper in zip(edges, edges[1:], strict=False):
        assert lower < _inside(f"{upper:g}") <= upper
    assert _inside("inf") > LATENCY_BOUNDS_S[-1]


def test_a_stage_without_numbers_sets_none(kept, run):
    run.show(Progress("start", 0, 1, "starting Ray"))
    assert not any(gauge.values for gauge in kept.values())


def test_without_ray_nothing_happens_and_nothing_fails(run):
    """The real gauges; no Ray runs in unit tests."""
    account = LlmAccount(n_requests=1, outcomes={"named": 1}, latencies={"0.5": 1})
    run.show(Progress("firm topics", 1, 2, "", so_far(1, {"done": 1}, account)))
