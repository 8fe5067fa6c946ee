"""The rows of a study's tables: events, windows, means with their tests, paths, and regressions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ftm_ray.events.calls import ALL, Call, Mention
from ftm_ray.events.models import Estimates, Floats, Integers, Timing
from ftm_ray.events.regressions import clustered_fit
from ftm_ray.events.returns import Panel
from ftm_ray.events.screening import Placed
from ftm_ray.events.significance import Sample, mean_tests
from ftm_ray.events.windows import WindowReturns

#: Name and rows of each group of events.
Groups = dict[str, tuple[str | None, list[int]]]


@dataclass(frozen=True, slots=True)
class UsedEvents:
    """The used events: their rows among the calls, what was estimated, and every window."""

    rows: Integers
    stocks: Integers
    day0: Integers
    estimates: Estimates
    windows: dict[str, tuple[int, int, WindowReturns]]


def event_rows(calls: Sequence[Call], placed: Placed, panel: Panel, used: UsedEvents) -> list[dict[str, object]]:
    """Every call, used or not, with its day 0 and what was estimated."""
    estimated = {at: row for row, at in enumerate(used.rows.tolist())}
    found = []
    for at, call in enumerate(calls):
        day0, row = int(placed.day0[at]), estimated.get(at)
        values: dict[str, object] = {name: getattr(call, name) for name in call.__dataclass_fields__}
        values |= {"day0": panel.days[day0].item() if day0 >= 0 else None, "day0_rule": placed.rules[at]}
        if row is not None:
            coefficients = used.estimates.coefficients[row].tolist()
            values |= {"n_est": int(used.estimates.n_est[row]), "sigma": float(used.estimates.sigma[row])}
            values |= {"alpha": coefficients[0] if coefficients else None, "betas": coefficients[1:]}
        found.append(values | {"reason": placed.reasons[at]})
    return found


def window_rows(calls: Sequence[Call], used: UsedEvents) -> list[dict[str, object]]:
    """The CAR and BHAR of every used event in every window."""
    found = []
    for row, at in enumerate(used.rows.tolist()):
        for name, (_, _, window) in used.windows.items():
            if not window.n_days[row]:  # delisted before this window began
                continue
            values = {
                column: getattr(window, column)[row].item() for column in ("n_days", "car", "bhar", "car_se", "scar")
            }
            found.append({"event_id": calls[at].event_id, "event_window": name} | values)
    return found


def _sample(used: UsedEvents, name: str, rows: Integers) -> Sample:
    """The events of a group whose window has a day."""
    first, last, window = used.windows[name]
    rows = rows[window.n_days[rows] > 0]
    estimates = used.estimates
    return Sample(
        window.car[rows],
        window.bhar[rows],
        window.scar[rows],
        estimates.n_est[rows],
        estimates.coefficients.shape[1],
        estimates.residuals[rows],
        estimates.abnormal[rows, first : last + 1],
        used.stocks[rows],
        used.day0[rows],
    )


def mean_rows(groups: Groups, used: UsedEvents) -> list[dict[str, object]]:
    """Means and tests of every group in every window."""
    found = []
    for group, (theme_name, members) in groups.items():
        for name in used.windows:
            tests = mean_tests(_sample(used, name, np.array(members, dtype=np.int64)))
            values = {column: getattr(tests, column) for column in tests.__dataclass_fields__}
            values["n_event_days"] = values.pop("n_days")
            found.append({"event_group": group, "theme_name": theme_name, "event_window": name} | values)
    return found


def path_rows(groups: Groups, used: UsedEvents, timing: Timing) -> list[dict[str, object]]:
    """Mean CAR with a band of 1.96 standard errors clustered by firm and day; none where these cannot be had."""
    found = []
    for group, (_, members) in groups.items():
        rows = np.array(members, dtype=np.int64)
        abnormal = np.nan_to_num(used.estimates.abnormal[rows])  # after a delisting nothing is added
        path = np.cumsum(abnormal, axis=1)
        for column in range(path.shape[1] if len(rows) else 0):
            mean = float(path[:, column].mean())
            fit = clustered_fit(path[:, column], np.ones((len(rows), 1)), (used.stocks[rows], used.day0[rows]))
            band = 1.96 * float(fit.errors[0]) if fit is not None else None
            found.append(
                {
                    "event_group": group,
                    "day": timing.start + column,
                    "n_events": len(rows),
                    "mean_ar": float(abnormal[:, column].mean()),
                    "mean_car": mean,
                    "car_low": None if band is None else mean - band,
                    "car_high": None if band is None else mean + band,
                }
            )
    return found


def regression_rows(
    calls: Sequence[Call], mentions: Sequence[Mention], rows: dict[str, int], used: UsedEvents
) -> list[dict[str, object]]:
    """CAR on a theme's exposure, over all events of the quarters that have the theme, and on exposure and sentiment.

    An event that does not speak of the theme has exposure 0; sentiment is known only for events that do.
    """
    quarter = {call.event_id: call.quarter for call in calls}
    of_event = np.array([calls[at].quarter for at in used.rows.tolist()])
    spoken: dict[str, list[Mention]] = {ALL: []}
    for mention in mentions:
        spoken.setdefault(mention.theme_uid, []).append(mention)
        spoken[ALL].append(mention)
    found: list[dict[str, object]] = []
    for group in sorted(spoken, key=lambda group: (group != ALL, group)):
        exposure, tone, weight = (np.zeros(len(used.rows)) for _ in range(3))
        for mention in spoken[group]:
            if (row := rows.get(mention.event_id)) is not None:
                exposure[row] += mention.exposure
                if mention.sentiment is not None:
                    tone[row] += mention.sentiment * mention.n_sentences
                    weight[row] += mention.n_sentences
        quarters = {quarter[mention.event_id] for mention in spoken[group]}
        in_quarters = np.isin(of_event, sorted(quarters))
        has_tone = weight > 0
        tone = np.where(has_tone, tone / np.where(has_tone, weight, 1.0), np.nan)
        for name in used.windows:
            found += _regression(used, name, in_quarters, {"exposure": exposure}, group)
            found += _regression(used, name, has_tone, {"exposure": exposure, "sentiment": tone}, group)
    return found


def _regression(
    used: UsedEvents, window: str, among: np.ndarray, variables: dict[str, Floats], group: str
) -> list[dict[str, object]]:
    """The rows of one regression; none where it cannot be made."""
    car = used.windows[window][2].car
    rows = np.flatnonzero(among & np.isfinite(car))
    x = np.column_stack([np.ones(len(rows)), *(values[rows] for values in variables.values())])
    fit = clustered_fit(car[rows], x, (used.stocks[rows], used.day0[rows])) if len(rows) else None
    if fit is None:
        return []
    return [
        {
            "event_group": group,
            "event_window": window,
            "specification": "car ~ " + " + ".join(variables),
            "variable": name,
            "coefficient": float(fit.coefficients[at]),
            "std_error": float(fit.errors[at]),
            "t": float(fit.t[at]) if np.isfinite(fit.t[at]) else None,
            "n_events": fit.n,
        }
        for at, name in enumerate(("constant", *variables))
    ]
