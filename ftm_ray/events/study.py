"""One event study: calls and returns in, all its tables out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.events.calls import ALL, Call, Mention, groups_of
from ftm_ray.events.factors import Factors, explain
from ftm_ray.events.models import MODELS, Estimates, Explained, Floats, Timing, estimate
from ftm_ray.events.portfolios import Signal, alphas, hold_terciles
from ftm_ray.events.returns import Panel
from ftm_ray.events.screening import Placed, leave_out_doubles, leave_out_weak_estimates, place
from ftm_ray.events.study_rows import UsedEvents, event_rows, mean_rows, path_rows, regression_rows, window_rows
from ftm_ray.events.windows import window_returns
from ftm_ray.schemas.events import EVENT_STUDY


@dataclass(frozen=True, slots=True)
class StudySettings:
    """How a study is made.

    Args:
        model: A name of `MODELS`.
        windows: First and last day of each window, from day 0.
        estper, gap, min_est: As in `Timing`; the gap ends where the earliest window starts.
        hold: Longest time that a portfolio is held, in trading days.
    """

    model: str = "market"
    windows: tuple[tuple[int, int], ...] = ((-1, 1),)
    estper: int = 110
    gap: int = 5
    min_est: int = 70
    hold: int = 63

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ConfigError(f"there is no model '{self.model}'; expected one of {', '.join(MODELS)}")
        if not self.windows:
            raise ConfigError("a study needs at least one window, such as -1,+1")
        for start, end in self.windows:
            Timing(start, end, self.estper, self.gap, self.min_est)

    @property
    def timing(self) -> Timing:
        """Estimation period, and a window that holds day 0 and all windows: used events are the same in each."""
        start = min(0, *(start for start, _ in self.windows))
        end = max(0, *(end for _, end in self.windows))
        return Timing(start, end, self.estper, self.gap, self.min_est)


@dataclass(frozen=True, slots=True)
class Study:
    """A study's tables by name (`EVENT_STUDY`), and how many signals were refused for being known too late."""

    tables: dict[str, pa.Table]
    n_refused_signals: int


def study_events(
    calls: Sequence[Call], mentions: Sequence[Mention], data: tuple[Panel, Factors | None], settings: StudySettings
) -> Study:
    """Make all tables of a study. Order of the input does not matter: everything is ordered by event id.

    Args:
        calls: Every call that speaks of a theme.
        mentions: How much of which.
        data: Returns of their stocks, and factors.
        settings: Model, windows, estimation.
    """
    calls = sorted(calls, key=lambda call: call.event_id)
    mentions = sorted(mentions, key=lambda mention: (mention.event_id, mention.theme_uid))
    panel, timing = data[0], settings.timing
    explained = explain(panel, data[1], settings.model)
    if not len(panel.days):
        raise SourceError("the returns file has no return at all")
    placed = place(calls, panel, explained, timing)
    used = _estimate_used(calls, placed, explained, settings)
    rows = {calls[at].event_id: row for row, at in enumerate(used.rows.tolist())}
    groups = groups_of(mentions, rows)
    portfolio_rows, n_refused = _portfolio_rows(calls, mentions, (panel, explained), settings)
    found = {
        "events": event_rows(calls, placed, panel, used),
        "event_windows": window_rows(calls, used),
        "event_themes": [
            {name: getattr(mention, name) for name in EVENT_STUDY["event_themes"].names} for mention in mentions
        ],
        "event_means": mean_rows(groups, used),
        "event_paths": path_rows(groups, used, timing),
        "event_regressions": regression_rows(calls, mentions, rows, used),
        "event_portfolios": portfolio_rows,
    }
    tables = {name: pa.Table.from_pylist(found[name], schema=schema) for name, schema in EVENT_STUDY.items()}
    return Study(tables, n_refused)


def _estimate_used(calls: Sequence[Call], placed: Placed, data: Explained, settings: StudySettings) -> UsedEvents:
    timing = settings.timing
    front = -timing.first_est  # days before the file begins are days without returns
    padded = Explained(*(_padded(values, front) for values in (data.returns, data.normal, data.regressors)))
    candidates = np.flatnonzero([reason is None for reason in placed.reasons])
    estimates = estimate(padded, placed.stocks[candidates], placed.day0[candidates] + front, timing)
    leave_out_weak_estimates(placed, candidates, estimates.n_est, estimates.sigma, timing.min_est)
    leave_out_doubles(calls, placed, timing.end - timing.start + 1)
    kept = np.array([placed.reasons[at] is None for at in candidates.tolist()], dtype=bool)
    estimates = Estimates(**{name: getattr(estimates, name)[kept] for name in Estimates.__dataclass_fields__})
    windows = {}
    for start, end in settings.windows:
        first, last = start - timing.start, end - timing.start
        windows[f"{start:+d},{end:+d}".replace("+0", "0")] = (first, last, window_returns(estimates, first, last))
    rows = candidates[kept]
    return UsedEvents(rows, placed.stocks[rows], placed.day0[rows], estimates, windows)


def _padded(values: Floats, n: int) -> Floats:
    return np.concatenate([np.full((n, *values.shape[1:]), np.nan), values])


def _portfolio_rows(
    calls: Sequence[Call], mentions: Sequence[Mention], data: tuple[Panel, Explained], settings: StudySettings
) -> tuple[list[dict[str, object]], int]:
    """Terciles of every theme, and of all themes together, by exposure and by sentiment."""
    by_event = {call.event_id: call for call in calls if call.permno is not None}
    known = [mention for mention in mentions if mention.event_id in by_event]
    ends: dict[str, dict[str, datetime]] = {"exposure": {}, "sentiment": {}}
    for mention in known:
        quarter = by_event[mention.event_id].quarter
        for sorted_by, of_sort in ends.items():
            if sorted_by == "exposure" or mention.sentiment is not None:
                of_sort[quarter] = min(of_sort.get(quarter, _known(mention, sorted_by)), _known(mention, sorted_by))
    found: list[dict[str, object]] = []
    n_refused = 0
    for group in (ALL, *sorted({mention.theme_uid for mention in known})):
        of_group = [mention for mention in known if group in (ALL, mention.theme_uid)]
        for sorted_by in ("exposure", "sentiment"):
            holdings, refused = hold_terciles(
                _signals(of_group, by_event, sorted_by), ends[sorted_by], data[0], settings.hold
            )
            n_refused += refused
            for alpha in alphas(holdings, *data) if holdings else ():
                values = {name: getattr(alpha, name) for name in alpha.__dataclass_fields__}
                found.append({"event_group": group, "sorted_by": sorted_by} | values)
    return found, n_refused


def _known(mention: Mention, sorted_by: str) -> datetime:
    """From when on what is sorted by could be known: exposure does not wait for sentiment."""
    return (mention.theme_time or mention.knowledge_time) if sorted_by == "exposure" else mention.knowledge_time


def _signals(mentions: Sequence[Mention], by_event: dict[str, Call], sorted_by: str) -> list[Signal]:
    """One signal per quarter and stock: exposure summed over its calls, or sentiment weighted by sentences."""
    summed: dict[tuple[str, int], list[float]] = {}
    known: dict[tuple[str, int], datetime] = {}
    for mention in mentions:
        value = mention.exposure if sorted_by == "exposure" else mention.sentiment
        permno = by_event[mention.event_id].permno
        if value is None or permno is None:
            continue
        key = by_event[mention.event_id].quarter, permno
        weight = 1.0 if sorted_by == "exposure" else float(mention.n_sentences)
        total = summed.setdefault(key, [0.0, 0.0])
        total[0] += value * weight
        total[1] += weight
        known[key] = max(known.get(key, _known(mention, sorted_by)), _known(mention, sorted_by))
    return [
        Signal(*key, total if sorted_by == "exposure" else total / weight, known[key])
        for key, (total, weight) in sorted(summed.items())
    ]
