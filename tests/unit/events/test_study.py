"""A whole study: what was planted is found, what lies in the future is not used, order does not matter."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from made_market import DAYS, KNOWN, QUARTER, call, made_panel, mention, row_of

from ftm_ray.errors import ConfigError
from ftm_ray.events.factors import explain
from ftm_ray.events.models import MODELS
from ftm_ray.events.paper_tables import means_csv, means_latex
from ftm_ray.events.portfolios import Signal, alphas, hold_terciles, known_signals
from ftm_ray.events.study import StudySettings, study_events

N = 40


@pytest.fixture(scope="module")
def calls():
    """Two calls on each of twenty days of February; the first half of the stocks speaks of T1."""
    days = [day for day in DAYS if date(2024, 2, 1) <= day.item()][:20]
    return [call(stock, str(days[(stock - 1) // 2])) for stock in range(1, N + 1)]


@pytest.fixture(scope="module")
def mentions(calls):
    return [mention(each, "T1" if each.permno <= N / 2 else "T2", exposure=0.2, sentiment=0.5) for each in calls]


@pytest.fixture(scope="module")
def panel(calls):
    planted = [(each.call_date, each.permno) for each in calls if each.permno <= N / 2]
    return made_panel(N, effect=0.03, days=planted)


def rows(study, name, **wanted):
    return [
        row for row in study.tables[name].to_pylist() if all(row[column] == value for column, value in wanted.items())
    ]


def test_a_planted_effect_is_found_in_its_theme_alone(calls, mentions, panel):
    study = study_events(calls, mentions, (panel, None), StudySettings(windows=((-1, 1), (0, 0))))
    (found,), (none,) = (rows(study, "event_means", event_group=group, event_window="0,0") for group in ("T1", "T2"))
    assert found["mean_car"] == pytest.approx(0.03, abs=0.006)
    for test in ("t_cross_section", "patell", "bmp", "kolari_pynnonen", "t_two_way", "generalized_sign", "rank"):
        assert found[test] > 3, test
        assert abs(none[test]) < 2.5, test
    (slope,) = rows(study, "event_regressions", event_group="T1", event_window="0,0", variable="exposure")[:1]
    assert slope["coefficient"] == pytest.approx(0.03 / 0.2, abs=0.04)
    assert slope["t"] > 5
    path = {row["day"]: row["mean_car"] for row in rows(study, "event_paths", event_group="T1")}
    assert path[-1] == pytest.approx(0, abs=0.006) and path[0] - path[-1] == pytest.approx(0.03, abs=0.006)


def test_order_of_the_input_changes_nothing(calls, mentions, panel):
    one = study_events(calls, mentions, (panel, None), StudySettings())
    other = study_events(calls[::-1], mentions[::-1], (panel, None), StudySettings())
    assert all(one.tables[name].equals(other.tables[name]) for name in one.tables)


def test_what_happens_later_changes_no_estimate(calls, mentions, panel):
    """Returns after the window are another history: everything about the events stays."""
    later = panel.returns.copy()
    last = max(row_of(each.call_date) for each in calls)
    later[last + 2 :] = np.random.default_rng(9).normal(0, 0.2, later[last + 2 :].shape)
    one = study_events(calls, mentions, (panel, None), StudySettings())
    other = study_events(calls, mentions, (replace(panel, returns=later), None), StudySettings())
    for name in ("events", "event_windows", "event_means", "event_regressions", "event_paths"):
        assert one.tables[name].equals(other.tables[name]), name


def test_the_market_adjusted_model_takes_the_market_off(calls, panel):
    study = study_events(calls, [], (panel, None), StudySettings(model="market-adjusted", windows=((0, 1),)))
    event = rows(study, "event_windows", event_id=calls[0].event_id)[0]
    days = slice(row_of(calls[0].call_date), row_of(calls[0].call_date) + 2)
    own, market = panel.returns[days, 0], panel.market[days]
    assert event["car"] == pytest.approx((own - market).sum())
    assert event["bhar"] == pytest.approx((1 + own).prod() - (1 + market).prod())
    sigma = rows(study, "events", event_id=calls[0].event_id)[0]["sigma"]
    assert event["car_se"] / sigma == pytest.approx(np.sqrt(2))


def test_settings_that_make_no_study():
    with pytest.raises(ConfigError, match=f"no model 'capm'; expected one of {', '.join(MODELS)}"):
        StudySettings(model="capm")
    with pytest.raises(ConfigError, match="the window 2,1 ends before it starts"):
        StudySettings(windows=((2, 1),))


# --- portfolios and what was known ---------------------------------------------------------------------------------


def signals(n=9, known=KNOWN, values=None):
    return [Signal(QUARTER, stock, float(values[stock - 1] if values else stock), known) for stock in range(1, n + 1)]


def test_terciles_are_held_from_the_day_after_their_signals_are_known():
    holdings, n_refused = hold_terciles(signals(), {QUARTER: KNOWN}, made_panel(9), hold=10)
    assert n_refused == 0
    assert [(str(DAYS[held.first]), held.last - held.first) for held in holdings] == [("2024-04-01", 10)]
    assert [tercile.tolist() for tercile in holdings[0].terciles] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_knowledge_of_the_future_is_refused():
    """One signal becomes known two weeks after the portfolio is formed: it is not in it, and it is counted."""
    planted = [*signals(), Signal(QUARTER, 10, 99.0, datetime(2024, 4, 15, tzinfo=UTC))]
    assert planted[-1] not in known_signals(planted, np.datetime64("2024-04-01"))
    holdings, n_refused = hold_terciles(planted, {QUARTER: KNOWN}, made_panel(10), hold=10)
    assert n_refused == 1
    assert 9 not in np.concatenate(holdings[0].terciles)


def test_a_study_refuses_a_theme_that_was_known_too_late(calls, mentions, panel):
    late = [replace(mentions[0], knowledge_time=datetime(2024, 5, 20, tzinfo=UTC)), *mentions[1:]]
    assert study_events(calls, mentions, (panel, None), StudySettings()).n_refused_signals == 0
    study = study_events(calls, late, (panel, None), StudySettings())
    assert study.n_refused_signals == 4  # for all themes and for its own, by exposure and by sentiment


def test_exposure_does_not_wait_for_a_sentiment_that_is_known_later(calls, panel):
    late = datetime(2024, 4, 3, tzinfo=UTC)
    scored = [
        replace(
            mention(each, exposure=each.permno / 100, sentiment=each.permno / N), knowledge_time=late, theme_time=KNOWN
        )
        for each in calls
    ]
    one_without = [replace(scored[0], sentiment=None, knowledge_time=KNOWN), *scored[1:]]
    study = study_events(calls, one_without, (panel, None), StudySettings())
    assert study.n_refused_signals == 0
    sorts = {row["sorted_by"] for row in rows(study, "event_portfolios")}
    assert sorts == {"exposure", "sentiment"}


def test_old_signals_are_not_held_in_returns_that_begin_long_after():
    panel = made_panel(N)
    end = datetime(2020, 4, 1, tzinfo=UTC)
    signals = [Signal("2020Q1", permno, permno / N, end) for permno in range(1, N + 1)]
    holdings, _ = hold_terciles(signals, {"2020Q1": end}, panel, 63)
    assert not holdings


def test_alpha_of_terciles():
    """The highest third earns 0.2 % more a day from April on, and no signal of the quarter itself can see it."""
    panel = made_panel(30, seed=4)
    returns = panel.returns.copy()
    returns[row_of("2024-04-01") :, 20:] += 0.002
    panel = replace(panel, returns=returns)
    holdings, _ = hold_terciles(signals(30), {QUARTER: KNOWN}, panel, hold=63)
    found = {(alpha.weights, alpha.tercile): alpha for alpha in alphas(holdings, panel, explain(panel, None, "market"))}
    assert set(found) == {(weights, name) for weights in ("equal", "value") for name in ("1", "2", "3", "3-1")}
    for weights in ("equal", "value"):
        difference = found[weights, "3-1"]
        assert difference.alpha == pytest.approx(0.002, abs=0.0012)
        assert difference.t > 2
        assert difference.alpha == pytest.approx(found[weights, "3"].alpha - found[weights, "1"].alpha)
    held = slice(row_of("2024-04-01"), row_of("2024-04-01") + 63)
    assert found["equal", "1"].mean_return == pytest.approx(panel.returns[held, :10].mean())
    caps = panel.caps[held.start - 1 : held.stop - 1, :10]
    weighted = (caps / caps.sum(axis=1, keepdims=True) * panel.returns[held, :10]).sum(axis=1)
    assert found["value", "1"].mean_return == pytest.approx(weighted.mean())


def test_tables_for_papers(calls, mentions, panel):
    hostile = [replace(each, theme_name="R&D_50% {x}") for each in mentions]
    means = study_events(calls, hostile, (panel, None), StudySettings()).tables["event_means"]
    latex = means_latex(means)
    assert r"T1 R\&D\_50\% \{x\} & [-1,+1] & 20 &" in latex
    assert latex.count(r"\\") == means.num_rows + 1
    assert means_csv(means).splitlines()[0] == ",".join(means.column_names)
