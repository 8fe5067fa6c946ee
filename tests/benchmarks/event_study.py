"""How the tests of an event study hold under a simulated null, what they find, and how fast the estimation is.

python tests/benchmarks/event_study.py [speed | null]

`speed`: 20,000 events x 250 days x FF5, with the peak memory of the process.
`null`: samples of 500 calls on 100 days (5 firms a day), market model, one-day window. Residuals share a factor per day
in the clustered market (correlation of two firms' residuals 0.2), and the variance doubles on day 0. Each day has a
history of its own, as days far apart have. In the crowded season 100 firms have five calls each, all on 15 days.
Shares rejected at 5 %, where nothing was planted and where +1 % was.
Critical values: normal for Patell, BMP, KP and rank; for the cross-section t and the two-way t Student's with n-1 and
with clusters-1 degrees of freedom.
"""

import resource
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm, t

from ftm_ray.events.models import Explained, Timing, estimate
from ftm_ray.events.significance import Sample, mean_tests
from ftm_ray.events.windows import window_returns

N_SAMPLES = 2_000
PLANTED, N_PLANTED = 0.01, 200
SHARED = 0.2  # correlation of the residuals of two firms on one day
OWN = 0.02


@dataclass(frozen=True)
class Season:
    """How calls share days and firms."""

    name: str
    shared: float  # correlation of the residuals of two firms on one day
    n_days: int = 100
    a_day: int = 5
    n_firms: int = 500


SEASONS = (
    Season("clustered", SHARED),
    Season("independent", 0.0),
    Season("crowded, independent", 0.0, n_days=15, a_day=33, n_firms=99),
    Season("crowded, clustered", SHARED, n_days=15, a_day=33, n_firms=99),
)


def speed() -> None:
    rng = np.random.default_rng(0)
    n_events, n_stocks, n_days = 20_000, 1_000, 1_500
    factors = rng.normal(0, 0.01, (n_days, 5))
    returns = factors @ rng.normal(1, 0.3, (5, n_stocks)) + rng.normal(0, OWN, (n_days, n_stocks))
    stocks, day0 = rng.integers(n_stocks, size=n_events), rng.integers(270, n_days - 2, n_events)
    start, cpu = time.perf_counter(), time.process_time()
    data = Explained(returns, np.zeros(n_days), factors)
    window = window_returns(estimate(data, stocks, day0, Timing(-1, 1, estper=250, gap=5)), 0, 2)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n_events:,} events x 250 days x FF5: {cpu:.2f} s of processor time, {seconds:.2f} s on the clock")
    print(f"peak of the whole process: {peak:.0f} MiB")
    rejected = (np.abs(window.scar) > t.ppf(0.975, 244)).mean()
    print(f"single events rejected at 5 %: {rejected:.2%}")


def samples(rng: np.random.Generator, season: Season) -> tuple[Sample, Sample]:
    """The calls of one season: once with nothing planted, and the same with 1 % more on every day 0."""
    n, day = season.n_days * season.a_day, 135
    group = np.arange(n) // season.a_day
    market = rng.normal(0, 0.01, 140)
    common = rng.normal(0, OWN * np.sqrt(season.shared), (140, season.n_days))[:, group]
    returns = common + rng.normal(0, OWN * np.sqrt(1 - season.shared), (140, n))
    returns[day] *= np.sqrt(2)
    returns += market[:, None] * rng.uniform(0.5, 1.5, n)
    data = Explained(returns, np.zeros(140), market[:, None])
    estimates = estimate(data, np.arange(n), np.full(n, day), Timing(0, 0))
    window = window_returns(estimates, 0, 0)
    nothing = Sample(
        window.car, window.bhar, window.scar, estimates.n_est, 2, estimates.residuals, estimates.abnormal,
        np.arange(n) % season.n_firms, 1_000 * group,
    )  # fmt: skip
    planted = {"car": window.car + PLANTED, "scar": window.scar + PLANTED / window.car_se}
    return nothing, replace(nothing, **planted, abnormal=estimates.abnormal + PLANTED)


def null(n_samples: int, season: Season) -> None:
    n, two_way = season.n_days * season.a_day, min(season.n_days, season.n_firms) - 1
    limits = {
        "t_cross_section": t.ppf(0.975, n - 1), "patell": norm.ppf(0.975), "bmp": norm.ppf(0.975),
        "kolari_pynnonen": norm.ppf(0.975), "t_two_way": t.ppf(0.975, two_way), "rank": norm.ppf(0.975),
    }  # fmt: skip
    rng, counts = np.random.default_rng(1), {False: dict.fromkeys(limits, 0), True: dict.fromkeys(limits, 0)}
    beyond_normal = 0
    for done in range(1, n_samples + 1):
        for planted, one in enumerate(samples(rng, season)[: 2 if done <= N_PLANTED else 1]):
            tests = mean_tests(one)
            for name, limit in limits.items():
                counts[bool(planted)][name] += abs(getattr(tests, name) or 0.0) > limit
            beyond_normal += not planted and abs(tests.t_two_way or 0.0) > norm.ppf(0.975)
    print(f"{season.name}: {n_samples:,} samples, {n_samples * n:,} events on {season.n_days} days")
    for planted, found in counts.items():
        among = min(n_samples, N_PLANTED) if planted else n_samples
        shares = ", ".join(f"{name} {count / among:.1%}" for name, count in found.items())
        print(f"  {'+1 % planted' if planted else 'nothing planted'}: {shares}")
    print(f"  two-way t held against 1.96 instead: {beyond_normal / n_samples:.1%}", flush=True)


if __name__ == "__main__":
    which = sys.argv[1:] or ["speed", "null"]
    if "speed" in which:
        speed()
    if "null" in which:
        for season in SEASONS:
            null(N_SAMPLES, season)
