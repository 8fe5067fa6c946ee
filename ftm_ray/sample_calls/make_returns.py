"""Makes daily returns and factors for the twelve invented firms of the sample calls: `make_returns.py FOLDER`.

Everything is invented, by a random generator with a fixed seed, and one effect is planted: a call whose text speaks of
megawatts (power for data centres) moves its stock by 4 % on the day of the call. An event study of the sample must find
it, and nothing else. The files have the layouts of CRSP and of Ken French's site, so that they show what is expected.
"""

import csv
import json
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np

SAMPLE = Path(__file__).parent
SEED = 14
FIRST, LAST = date(2023, 6, 1), date(2024, 9, 30)
PLANTED_WORD, PLANTED_RETURN = "megawatt", 0.04
#: Standard deviations a day: the market, the two other factors, and what is a stock's own.
MARKET, FACTOR, OWN = 0.009, 0.005, 0.012


def main(folder: Path) -> None:
    """Write returns.csv and F-F_Research_Data_Factors_daily.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    days = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    days = [day for day in days if day.weekday() < 5]
    factors = rng.normal(0.0, (MARKET, FACTOR, FACTOR), (len(days), 3)).round(4)
    with (SAMPLE / "links.csv").open(encoding="utf-8") as file:
        permnos = {row["firm_id"]: row["permno"] for row in csv.DictReader(file)}
    planted = planted_days()
    with (folder / "returns.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["permno", "date", "ret", "prc", "shrout"])
        for firm_id, permno in sorted(permnos.items()):
            betas, price = rng.uniform((0.7, -0.3, -0.3), (1.3, 0.5, 0.5)), 50.0
            shares = int(rng.integers(10_000, 200_000))
            for day, moved, own in zip(days, factors @ betas, rng.normal(0.0, OWN, len(days)), strict=True):
                value = moved + own + (PLANTED_RETURN if (firm_id, day) in planted else 0.0)
                price *= 1 + value
                rows.writerow([permno, day.isoformat(), f"{value:.6f}", f"{price:.2f}", shares])
    lines = ["Invented factors in the layout of Ken French's daily files; they describe no market.", ""]
    lines.append(",Mkt-RF,SMB,HML,RF")
    for day, values in zip(days, 100 * factors, strict=True):
        lines.append(f"{day:%Y%m%d}," + ",".join(f"{value:8.2f}" for value in values) + ",   0.020")
    text = "\n".join([*lines, "", "Invented by make_returns.py"]) + "\n"
    (folder / "F-F_Research_Data_Factors_daily.csv").write_text(text, encoding="utf-8")


def planted_days() -> set[tuple[str, date]]:
    """Firm and day of every call that speaks of megawatts."""
    found = set()
    for path in sorted(SAMPLE.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            turn = json.loads(line)
            if PLANTED_WORD in turn["text"].lower():
                found.add((turn["firm_id"], date.fromisoformat(turn["call_date"])))
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
