"""Daily returns of the stocks of a study, as CRSP or the user has them, on one calendar of trading days.

Three layouts, told apart by their columns:
    CRSP legacy     permno, date, ret [dlret] [prc, shrout] [vwretd]
    CRSP CIZ        permno, dlycaldt, dlyret [dlydelflg] [dlycap]; delisting returns are in dlyret already
    the user's own  permno, date, ret [market_cap] [mkt]
A return is a simple one, in units of 1 (0.01 = 1 %). Letter codes, empty cells and everything under -1 (CRSP's -66,
-77, -88, -99) are missing.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.events.models import Floats, Integers
from ftm_ray.events.stock_files import days_of, numbers_of, read_some_columns

_DAY, _RETURN = ("date", "dlycaldt"), ("ret", "dlyret")
_MARKET, _CAP = ("vwretd", "mkt"), ("dlycap", "market_cap")
_OTHERS = ("permno", "dlret", "dlydelflg", "prc", "shrout")

#: Half of all daily returns are nearer to 0 than this, if they are not in percent.
_LARGEST_MEDIAN = 0.2


@dataclass(frozen=True, slots=True)
class Panel:
    """Returns of all stocks on all trading days.

    Args:
        days: (n_days,) datetime64[D], ascending: every day on which any stock of the file has a return.
        permnos: (n_stocks,), ascending.
        returns: (n_days, n_stocks), NaN = none.
        caps: (n_days, n_stocks) market value in the file's unit, or None where the file has none.
        delisted: (n_stocks,), row of the day of a known delisting return, or -1.
        market: (n_days,), the market's return where the file has it, else None.
    """

    days: np.ndarray
    permnos: Integers
    returns: Floats
    caps: Floats | None
    delisted: Integers
    market: Floats | None


def read_returns(path: Path, permnos: Integers) -> Panel:
    """Read the returns of some stocks; the trading days are those of all stocks in the file.

    Raises:
        SourceError: A column is missing, a stock has two returns on one day, or returns are in percent.
    """
    table = read_some_columns(path, [*_OTHERS, *_DAY, *_RETURN, *_MARKET, *_CAP])
    day_name, return_name = (_one_of(table, names, path) for names in (_DAY, _RETURN))
    if "permno" not in table.column_names:
        raise SourceError(f"{path} has no column permno; found {', '.join(table.column_names)}")
    days = days_of(table[day_name], str(path))
    ids, returns = numbers_of(table["permno"]), _valid(numbers_of(table[return_name]))
    if np.isfinite(returns).any() and np.nanmedian(np.abs(returns)) > _LARGEST_MEDIAN:
        raise SourceError(f"{path}: half of the returns are over {_LARGEST_MEDIAN:.0%} a day; give 0.01 for 1 %")
    returns, gone = _with_delisting(table, returns)
    calendar = np.unique(days[np.isfinite(returns)])
    wanted = np.unique(permnos)
    kept = np.isin(ids, wanted) & np.isin(days, calendar)
    rows, columns = np.searchsorted(calendar, days[kept]), np.searchsorted(wanted, ids[kept].astype(np.int64))
    shape = (len(calendar), len(wanted))
    delisted = np.full(len(wanted), -1)
    delisted[columns[gone[kept]]] = rows[gone[kept]]
    caps = _caps(table)
    return Panel(
        days=calendar,
        permnos=wanted,
        returns=_placed(returns[kept], rows, columns, shape, f"{path}: returns"),
        caps=None if caps is None else _placed(caps[kept], rows, columns, shape, f"{path}: market values"),
        delisted=delisted,
        market=_market(table, days, calendar),
    )


def _one_of(table: pa.Table, names: tuple[str, ...], path: Path) -> str:
    for name in names:
        if name in table.column_names:
            return name
    raise SourceError(f"{path} has no column {' or '.join(names)}; found {', '.join(table.column_names) or 'none'}")


def _valid(returns: Floats) -> Floats:
    """Nobody loses more than everything: what is under -1 is a code."""
    return np.where(returns < -1, np.nan, returns)


def _with_delisting(table: pa.Table, returns: Floats) -> tuple[Floats, np.ndarray]:
    """Returns with the delisting return compounded into them, and which rows have one."""
    if "dlret" in table.column_names:
        delisting = _valid(numbers_of(table["dlret"]))
        known = np.isfinite(delisting)
        with np.errstate(over="ignore"):
            compounded = (1 + np.where(np.isfinite(returns), returns, 0.0)) * (1 + delisting) - 1
        return np.where(known, compounded, returns), known
    if "dlydelflg" in table.column_names:
        flag = np.asarray(pc.equal(table["dlydelflg"].cast(pa.string()), "Y").fill_null(False).to_numpy(), dtype=bool)
        return returns, flag & np.isfinite(returns)
    return returns, np.zeros(len(returns), dtype=bool)


def _caps(table: pa.Table) -> Floats | None:
    for name in _CAP:
        if name in table.column_names:
            return numbers_of(table[name])
    if {"prc", "shrout"} <= set(table.column_names):  # a negative price is CRSP's mark for a mean of bid and ask
        with np.errstate(over="ignore"):  # what is infinite is no market value, and is left out
            return np.abs(numbers_of(table["prc"])) * numbers_of(table["shrout"])
    return None


def _market(table: pa.Table, days: np.ndarray, calendar: np.ndarray) -> Floats | None:
    name = next((name for name in _MARKET if name in table.column_names), None)
    if name is None:
        return None
    values = _valid(numbers_of(table[name]))
    known = np.isfinite(values) & np.isin(days, calendar)
    market = np.full(len(calendar), np.nan)
    market[np.searchsorted(calendar, days[known])] = values[known]
    return market


def _placed(values: Floats, rows: Integers, columns: Integers, shape: tuple[int, int], what: str) -> Floats:
    """Values in their cells.

    CRSP repeats a row for every distribution of a day: the same value twice is one value.

    Raises:
        SourceError: Two values for one cell.
    """
    known = np.isfinite(values)
    placed = np.full(shape, np.nan)
    placed[rows[known], columns[known]] = values[known]
    n_other = int((placed[rows[known], columns[known]] != values[known]).sum())
    if n_other:
        raise SourceError(f"{what}: {n_other} rows contradict another row of the same permno and day; keep one")
    return placed
