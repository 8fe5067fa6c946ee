"""Where a run stands, as numbers that Prometheus and Grafana read (docs/seeing.md), by way of Ray's metrics agent.

All are set by the driver, from what each finished batch tells it: some forty calls a batch. Ray
passes them on every ten seconds; where its agent does not run they go nowhere. They are gauges, so that they agree with
run.json and go with the run, and one histogram.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from typing import Any

from ray.util.metrics import Gauge, Histogram

from ftm_ray.naming.account import LATENCY_BOUNDS_S
from ftm_ray.run.counts import PartCounts
from ftm_ray.run.progress import Progress
from ftm_ray.schemas.store import Manifest

#: What is exported, its meaning, and what besides the quarter tells its values apart. Ray puts `ray_` before the names.
GAUGES = {
    "ftm_firms": ("Firms, by what became of them (done, failed, skipped) or left.", ("state",)),
    "ftm_sentences": ("Sentences of the stage under way, done or left.", ("state",)),
    "ftm_sentences_per_second": ("Speed of the stage under way since its first result.", ()),
    "ftm_seconds_left": ("Until the stage under way ends, at that speed.", ()),
    "ftm_batches": ("Batches of firms of the stage under way, done or left.", ("state",)),
    "ftm_topics": ("Topics, by who named them (llm, keywords).", ("named_by",)),
    "ftm_word_support": ("Share of the words of the LLM's names that its sentences hold, mean.", ()),
    "ftm_support_auc": ("How surely names fit their own sentences better than others', at the end.", ("of",)),
    "ftm_themes": ("Themes, at the end.", ()),
    "ftm_dollars": ("US dollars so far: of nodes while the run goes on, of all at the end.", ()),
    "ftm_llm_questions": ("Topics or themes that the LLM was asked about, by outcome.", ("phase", "outcome")),
    "ftm_llm_requests": ("HTTP requests to the LLM.", ("phase",)),
    "ftm_llm_retries": ("Requests sent again because the one before failed.", ("phase",)),
    "ftm_llm_tokens": ("Tokens as the endpoint counts them (prompt, of these cached, completion).", ("phase", "kind")),
}
LATENCY = "ftm_llm_latency_seconds"


@cache
def _gauge(name: str) -> Gauge:
    """One a process: the same name in a second run of it is the same gauge."""
    meaning, tags = GAUGES[name]
    return Gauge(name, meaning, tag_keys=("quarter", *tags))


@cache
def _latency() -> Histogram:
    return Histogram(
        LATENCY, "Seconds of requests to the LLM.", boundaries=list(LATENCY_BOUNDS_S), tag_keys=("quarter", "phase")
    )


class RunMetrics:
    """The numbers of one run.

    Args:
        manifest: Says how many firms and batches there are.
        dollars: What the nodes have cost so far; None where a price is missing or Ray does not tell.
    """

    def __init__(self, manifest: Manifest, dollars: Callable[[], float | None]) -> None:
        self._dollars = dollars
        self._quarter, self._n_firms, self._n_batches = manifest.quarter, manifest.n_firms, len(manifest.batches)
        self._pace = _Pace("")
        self._observed: Counter[tuple[str, str]] = Counter()

    def show(self, progress: Progress) -> None:
        """Set what is known while the map goes on."""
        if progress.so_far is None:
            return
        so_far, left = progress.so_far, progress.total - progress.done
        if progress.stage != self._pace.stage:
            self._pace = _Pace(progress.stage)
        per_second = self._pace.per_second(progress.done)
        self._set("ftm_sentences", progress.done, state="done")
        self._set("ftm_sentences", left, state="left")
        if per_second:
            self._set("ftm_sentences_per_second", per_second)
            self._set("ftm_seconds_left", left / per_second)
        self._set("ftm_batches", self._n_batches - so_far.n_batches_left, state="done")
        self._set("ftm_batches", so_far.n_batches_left, state="left")
        self._set_dollars(self._dollars())
        self._set_counts(so_far.counts)
        self._set_account("topics", asdict(so_far.account))

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Nothing is left when a run has ended, also where it failed or was refused: another may follow it here."""
        try:
            yield
        finally:
            self._set("ftm_seconds_left", 0)

    def end(self, record: Mapping[str, Any]) -> None:
        """Set what is only known when all is done, from run.json."""
        naming, llm = record["naming"], record["llm"]
        self._set("ftm_themes", record["quality"]["n_themes"])
        self._set_dollars(record["cost"]["usd"])
        for of, name in (("topics", "support_auc"), ("themes", "theme_support_auc")):
            if naming[name] is not None:
                self._set("ftm_support_auc", naming[name], of=of)
        for phase in ("topics", "themes"):
            if llm is not None:
                self._set_account(phase, llm[phase])

    def _set_dollars(self, dollars: float | None) -> None:
        if dollars is not None:
            self._set("ftm_dollars", dollars)

    def _set_counts(self, counts: PartCounts) -> None:
        for state in ("done", "failed", "skipped"):
            self._set("ftm_firms", counts.statuses[state], state=state)
        self._set("ftm_firms", self._n_firms - counts.n_firms, state="left")
        for source in ("llm", "keywords"):
            self._set("ftm_topics", counts.sources[source], named_by=source)
        if counts.n_word_support:
            self._set("ftm_word_support", counts.word_support / counts.n_word_support)

    def _set_account(self, phase: str, account: Mapping[str, Any]) -> None:
        for outcome, n in account["outcomes"].items():
            self._set("ftm_llm_questions", n, phase=phase, outcome=outcome)
        self._set("ftm_llm_requests", account["n_requests"], phase=phase)
        self._set("ftm_llm_retries", account["n_retries"], phase=phase)
        for kind in ("prompt", "cached", "completion"):
            self._set("ftm_llm_tokens", account[f"{kind}_tokens"], phase=phase, kind=kind)
        for bound, n in account["latencies"].items():
            for _ in range(n - self._observed[phase, bound]):
                _latency().observe(_inside(bound), {"quarter": self._quarter, "phase": phase})
            self._observed[phase, bound] = n

    def _set(self, name: str, value: float, **tags: str) -> None:
        _gauge(name).set(value, {"quarter": self._quarter, **tags})


class _Pace:
    """The speed of a stage: its clock starts with the first result, before which workers start."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self._begun: int | None = None
        self._first: tuple[float, int] | None = None

    def per_second(self, done: int) -> float | None:
        """Sentences a second; None as long as there is no second result."""
        if self._begun is None:  # what an earlier run did is no result of this one
            self._begun = done
        elif self._first is None and done > self._begun:
            self._first = (time.monotonic(), done)
        elif self._first is not None and done > self._first[1]:
            return (done - self._first[1]) / max(time.monotonic() - self._first[0], 1e-3)
        return None


def _inside(bound: str) -> float:
    """Some seconds inside the interval that ends here: the histogram only counts by interval."""
    if bound == "inf":
        return 2 * LATENCY_BOUNDS_S[-1]
    lower = [0.0, *LATENCY_BOUNDS_S][[f"{edge:g}" for edge in LATENCY_BOUNDS_S].index(bound)]
    return (lower + float(bound)) / 2
