"""Figures that others have published, to six digits.

`data/toolkit_panel.csv` is a slice of the data of event-study-toolkit 1.0.0 (MIT, data/toolkit_LICENSE), with the
figures of its tutorial; `data/grunfeld.csv` is in the public domain, with errors by Stata.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from ftm_ray.events.models import Explained, Timing, estimate
from ftm_ray.events.regressions import clustered_fit, newey_west_fit
from ftm_ray.events.significance import Sample, mean_tests
from ftm_ray.events.windows import window_returns

DATA = Path(__file__).parent / "data"
TIMING = Timing(0, 1, estper=50, gap=10, min_est=40)
CCAR_SIZES = (86, 14)


def read(name):
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def panel():
    rows = read("toolkit_panel.csv")
    values = {name: np.array([float(row[name]) for row in rows]) for name in list(rows[0])[1:]}
    returns = np.column_stack([values[str(number)] for number in range(1, 101)])
    return [row["date"] for row in rows], returns, values


def studied(panel, factors):
    days, returns, values = panel
    day0 = np.full(100, days.index("2020-03-20"))
    regressors = np.column_stack([values[name] for name in factors])
    data = Explained(returns, np.zeros(len(days)), regressors)
    estimates = estimate(data, np.arange(100), day0, TIMING)
    window = window_returns(estimates, 0, 1)
    sample = Sample(
        window.car, window.bhar, window.scar, estimates.n_est, len(factors) + 1, estimates.residuals,
        estimates.abnormal, np.arange(100), day0,
    )  # fmt: skip
    return estimates, window, mean_tests(sample)


def test_the_estimation_period_is_the_one_of_the_wrds_macro(panel):
    day0 = panel[0].index("2020-03-20")
    first = day0 + TIMING.first_est
    assert (panel[0][first], panel[0][first + TIMING.estper - 1]) == ("2019-12-23", "2020-03-05")


@pytest.mark.parametrize(
    ("number", "alpha", "beta", "car", "sigma", "scar"),
    [
        (1, 0.011805, -1.359385, -0.309801, 0.144647, -1.514460),
        (2, 0.018776, 1.299649, 0.257522, 0.156013, 1.167187),
        (98, 0.017040, -0.661351, 0.348616, 0.142624, 1.728380),
        (100, 0.009483, -1.230678, -0.404282, 0.149457, -1.912728),
    ],
)
def test_market_model_of_one_firm(panel, number, alpha, beta, car, sigma, scar):
    estimates, window, _ = studied(panel, ["vwretd"])
    at = number - 1
    found = [*estimates.coefficients[at], window.car[at], estimates.sigma[at]]
    found.append(window.car[at] / (estimates.sigma[at] * np.sqrt(2)))  # the toolkit's, without forecast correction
    assert found == pytest.approx([alpha, beta, car, sigma, scar], abs=5e-7)


def test_fama_french_model_of_one_firm(panel):
    estimates, _, _ = studied(panel, ["mktrf_h15", "smb", "hml"])
    assert estimates.coefficients[0] == pytest.approx([-0.005155, -1.175941, 0.876735, -6.389658], abs=5e-7)


def test_tests_of_the_market_model(panel):
    estimates, window, tests = studied(panel, ["vwretd"])
    assert tests.mean_car == pytest.approx(-0.006023, abs=5e-7)
    assert tests.mean_bhar == pytest.approx(-0.007743, abs=5e-7)
    assert (tests.n_events, tests.positive_ratio) == (100, 0.46)
    assert tests.t_cross_section == pytest.approx(-0.268602, abs=5e-7)
    assert tests.bmp == pytest.approx(-0.315697, abs=5e-7)
    assert tests.patell == pytest.approx(-0.308275, abs=5e-7)
    assert tests.sign == pytest.approx(-0.8)
    assert tests.generalized_sign == pytest.approx(-0.840007, abs=5e-7)
    plain = window.car / (estimates.sigma * np.sqrt(2))  # Patell as the toolkit has it: no correction, variance 1
    assert plain.sum() / np.sqrt(100) == pytest.approx(-0.349648, abs=5e-7)
    assert tests.t_two_way is None  # one day: there is nothing to cluster by


def test_tests_of_the_fama_french_model(panel):
    _, window, tests = studied(panel, ["mktrf_h15", "smb", "hml"])
    assert tests.mean_car == pytest.approx(-0.022708, abs=5e-7)
    assert tests.mean_bhar == pytest.approx(-0.025471, abs=5e-7)
    assert tests.t_cross_section == pytest.approx(-0.788576, abs=5e-7)
    assert int((window.car > 0).sum()) == 47


@pytest.fixture(scope="module")
def grunfeld():
    rows = read("grunfeld.csv")
    y = np.array([float(row["invest"]) for row in rows])
    x = np.column_stack([np.ones(len(rows)), *([float(row[name]) for row in rows] for name in ("value", "capital"))])
    firms = np.unique([row["firm"] for row in rows], return_inverse=True)[1]
    return y, x, firms, np.array([int(float(row["year"])) for row in rows])


def test_errors_clustered_by_firm_are_those_of_stata(grunfeld):
    y, x, firms, _ = grunfeld
    fit = clustered_fit(y, x, (firms,))
    assert fit.coefficients == pytest.approx([-42.71436944, 0.11556216, 0.23067849], rel=1e-7)
    assert fit.errors == pytest.approx([20.4252026, 0.01589434, 0.08496711], rel=5e-7)


def test_errors_clustered_two_ways_are_those_of_ivreg2(grunfeld):
    y, x, firms, years = grunfeld
    fit = clustered_fit(y, x, (firms, years))
    assert fit.errors == pytest.approx([19.5056074, 0.01635175, 0.07847391], rel=5e-7)


def test_newey_west_without_lags_is_white_and_with_lags_is_the_sum_written_out(grunfeld):
    y, x, _, _ = grunfeld
    y, x = y[:20], x[:20]
    bread = np.linalg.inv(x.T @ x)
    e = y - x @ bread @ x.T @ y
    weights = np.maximum(0, 1 - np.abs(np.subtract.outer(range(20), range(20))) / 3)  # lags 0, 1, 2: 1, 2/3, 1/3
    variance = 20 / 17 * bread @ (x.T @ (np.outer(e, e) * weights) @ x) @ bread
    assert newey_west_fit(y, x, 2).errors == pytest.approx(np.sqrt(np.diag(variance)))
    white = 20 / 17 * bread @ (x.T @ np.diag(e**2) @ x) @ bread
    assert newey_west_fit(y, x, 0).errors == pytest.approx(np.sqrt(np.diag(white)))


def test_mean_correlation_is_that_of_all_pairs_weighted_by_shared_days():
    rng = np.random.default_rng(0)
    n_est, day0 = 40, np.array([100, 100, 101, 150])
    common = rng.normal(size=200)
    rows = [common[day - n_est - 3 : day - 3] + rng.normal(size=n_est) for day in day0]
    residuals = np.array(rows, dtype=np.float32)
    sample = Sample(*[np.zeros(4)] * 3, np.full(4, n_est), 1, residuals, np.zeros((4, 3)), np.arange(4), day0)
    unit = residuals / np.linalg.norm(residuals, axis=1)[:, None]
    same = unit[0] @ unit[1]
    next_day = [unit[at, 1:] @ unit[2, :-1] * 2 / 3 for at in (0, 1)]
    from ftm_ray.events.significance import mean_correlation

    assert mean_correlation(sample) == pytest.approx(2 * (same + sum(next_day)) / 12, rel=1e-6)
