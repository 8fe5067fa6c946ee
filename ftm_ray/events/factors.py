"""Daily factors as Ken French's site gives them, or a table of the user's own.

His files have words before and after the numbers, percent, and -99.99 or -999 for missing. Both layouts are read: the
three or five factors (`,Mkt-RF,SMB,HML,RF`) and momentum in a file of its own (`,Mom`). Days are `YYYYMMDD`; lines
with a shorter date (the annual table of the monthly files) are refused. A user's table has a column date and any of
mktrf, smb, hml, rmw, cma, umd, rf, mkt, in units of 1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.events.models import MODELS, RAW_MODELS, Explained, Floats
from ftm_ray.events.returns import Panel
from ftm_ray.events.stock_files import days_of, numbers_of, read_some_columns

_NAMES = {"mkt-rf": "mktrf", "mom": "umd", "wml": "umd"}
_OWN = ("mktrf", "smb", "hml", "rmw", "cma", "umd", "rf", "mkt")
_LINE = re.compile(r"\s*(\d{8})\s*,(.*)")
#: French's marks for a missing value, in percent.
_MISSING = (-99.99, -999.0)


@dataclass(frozen=True, slots=True)
class Factors:
    """Daily factors in units of 1, by name; NaN = missing.

    Args:
        days: (n_days,) datetime64[D], ascending.
        values: Arrays (n_days,) by name.
    """

    days: np.ndarray
    values: dict[str, Floats]

    def on(self, days: np.ndarray, name: str) -> Floats:
        """A factor on other days; NaN where this has no such day."""
        at = np.minimum(np.searchsorted(self.days, days), len(self.days) - 1)
        return np.where(self.days[at] == days, self.values[name][at], np.nan)


def read_factors(paths: Sequence[Path]) -> Factors:
    """Read one or more files, such as the five factors and momentum; days are those of any of them.

    Raises:
        SourceError: A file has no daily factors, or one factor comes twice.
    """
    parts = [_read_file(path) for path in paths]
    days = np.unique(np.concatenate([part.days for part in parts]))
    values: dict[str, Floats] = {}
    for path, part in zip(paths, parts, strict=True):
        for name in part.values:
            if name == "rf" and name in values:  # each of his files repeats it
                continue
            if name in values:
                raise SourceError(f"{path}: the factor {name} was in a file before; give each factor once")
            values[name] = part.on(days, name)
    return Factors(days, values)


def _read_file(path: Path) -> Factors:
    if path.suffix.lower() not in (".parquet", ".pq"):
        try:
            text = path.read_text(encoding="latin-1")
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
        if french := _french(text, path):
            return french
    table = read_some_columns(path, ["date", *_OWN])
    if "date" not in table.column_names or table.num_columns == 1:
        raise SourceError(
            f"{path} has no daily factors: expected a daily file of Ken French, or columns date and {', '.join(_OWN)}"
        )
    days = days_of(table["date"], str(path))
    order = np.argsort(days, kind="stable")
    names = [name for name in table.column_names if name != "date"]
    return _checked(days[order], {name: numbers_of(table[name])[order] for name in names}, path)


def _french(text: str, path: Path) -> Factors | None:
    """The numbers of a file of Ken French; None where it is none of his. Lone carriage returns end lines, too."""
    lines = text.splitlines()
    header = next((line for line in lines if re.match(r"\s*,\s*(mkt-rf|mom|wml|smb)\b", line, re.IGNORECASE)), None)
    if header is None:
        return None
    names = [_NAMES.get(name.strip().lower(), name.strip().lower()) for name in header.split(",")[1:]]
    found = [match for line in lines if (match := _LINE.match(line))]
    if not found:
        raise SourceError(f"{path} has no line that starts with a day (YYYYMMDD); take the daily file, not the monthly")
    cells = [[cell.strip() for cell in match[2].split(",")[: len(names)]] for match in found]
    try:
        percent = np.array(cells, dtype=np.float64)
    except ValueError as error:
        raise SourceError(f"{path}: a line has not {len(names)} numbers ({', '.join(names)}): {error}") from error
    if percent.shape[1] != len(names):
        raise SourceError(f"{path}: expected {len(names)} numbers a line ({', '.join(names)}), got {percent.shape[1]}")
    values = np.where(np.isin(percent, _MISSING) | ~np.isfinite(percent), np.nan, percent / 100)
    try:
        days = np.array([f"{match[1][:4]}-{match[1][4:6]}-{match[1][6:]}" for match in found], dtype="datetime64[D]")
    except ValueError as error:
        raise SourceError(f"{path}: a line starts with no day (YYYYMMDD): {error}") from error
    if len(set(names)) != len(names) or "" in names:
        raise SourceError(f"{path}: expected a name of its own for each factor, got {', '.join(names)}")
    return _checked(days, dict(zip(names, values.T, strict=True)), path)


def _checked(days: np.ndarray, values: dict[str, Floats], path: Path) -> Factors:
    if not len(days):
        raise SourceError(f"{path} has no day")
    if (np.diff(days) <= np.timedelta64(0, "D")).any():
        raise SourceError(f"{path}: days are not ascending, or one comes twice")
    return Factors(days, values)


def explain(panel: Panel, factors: Factors | None, model: str) -> Explained:
    """What the model explains, on the panel's trading days. A day without a factor is NaN and counts for nothing.

    Raises:
        ConfigError: The model needs factors that no file has.
    """
    known = {} if factors is None else {name: factors.on(panel.days, name) for name in factors.values}
    if "mkt" not in known and {"mktrf", "rf"} <= set(known):
        known["mkt"] = known["mktrf"] + known["rf"]
    if panel.market is not None:
        known["mkt"] = panel.market
    needed = {*MODELS[model], "mkt" if model in RAW_MODELS else "rf"}
    if missing := sorted(needed - set(known)):
        raise ConfigError(
            f"the model {model} needs {', '.join(missing)}; give --factors with Ken French's daily files"
            + (", or a column vwretd with the returns" if "mkt" in missing else "")
        )
    zeros = np.zeros(len(panel.days))
    normal = {"market-adjusted": known.get("mkt"), "market": zeros}.get(model, known.get("rf"))
    regressors = np.column_stack([known[name] for name in MODELS[model]]) if MODELS[model] else zeros[:, None][:, :0]
    return Explained(panel.returns, zeros if normal is None else normal, regressors)
