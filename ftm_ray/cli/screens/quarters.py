"""The table of `ftm run-quarters`: what became of each quarter."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from ftm_ray.cli.progress import duration
from ftm_ray.cli.screens.shapes import console
from ftm_ray.run.quarters import QuarterResult

_COLORS = {"failed": "bold red", "stopped": "yellow", "not begun": "yellow"}


def show_quarters(results: Iterable[QuarterResult]) -> None:
    """One line per quarter; below it, why those failed that did."""
    results = list(results)
    table = Table()
    for name in ("quarter", "status"):
        table.add_column(name)
    for name in ("firms", "topics", "themes", "time", "exit"):
        table.add_column(name, justify="right")
    for result in results:
        row = result_row(result)
        counts = ["" if row[name] is None else f"{row[name]:,}" for name in ("firms", "topics", "themes")]
        took = "" if result.seconds is None else duration(result.seconds)
        code = "" if result.exit is None else str(result.exit)
        table.add_row(result.quarter, Text(result.status, _COLORS.get(result.status, "")), *counts, took, code)
    out = console()
    out.print(table)
    for result in results:
        if result.reason is not None:
            out.print(Text(f"{result.quarter}: {result.reason}"))


def result_row(result: QuarterResult) -> dict[str, Any]:
    """The same for a script; null where nothing is published."""
    record = result.record
    return {
        "quarter": result.quarter,
        "status": result.status,
        "firms": record["counts"]["n_firms"] if record else None,
        "topics": record["counts"]["n_topics"] if record else None,
        "themes": record["quality"]["n_themes"] if record else None,
        "seconds": None if result.seconds is None else round(result.seconds, 3),
        "exit": result.exit,
        "reason": result.reason,
    }
