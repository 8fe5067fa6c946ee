"""The table of means as papers print it: CSV for a spreadsheet, LaTeX (booktabs) for the paper."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

#: Column, heading, and how its numbers are written. t values of the last column take errors clustered by firm and day.
MEAN_COLUMNS = (
    ("n_events", "N", "{:,}"),
    ("mean_car", "mean CAR", "{:.2%}"),
    ("t_cross_section", "t", "{:.2f}"),
    ("bmp", "BMP", "{:.2f}"),
    ("kolari_pynnonen", "KP", "{:.2f}"),
    ("t_two_way", "two-way t", "{:.2f}"),
    ("positive_ratio", "positive", "{:.0%}"),
)

_LATEX = str.maketrans(
    {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)


def shown(row: dict[str, Any], column: str, layout: str) -> str:
    """A number as the table shows it; empty where there is none."""
    return "" if row[column] is None else layout.format(row[column])


def group_name(row: dict[str, Any]) -> str:
    """What a row is about: all events, or a theme by id and name."""
    return "all events" if row["theme_name"] is None else f"{row['event_group']} {row['theme_name']}"


def means_csv(means: pa.Table) -> str:
    """All columns of the means, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(means.column_names)
    writer.writerows(row.values() for row in means.to_pylist())
    return text.getvalue()


def means_latex(means: pa.Table) -> str:
    """A tabular with booktabs rules, one row per group and window."""
    lines = [r"\begin{tabular}{ll" + "r" * len(MEAN_COLUMNS) + "}", r"\toprule"]
    lines += [_latex_row(["Events", "Window", *(heading for _, heading, _ in MEAN_COLUMNS)]), r"\midrule"]
    for row in means.to_pylist():
        cells = [shown(row, column, layout) for column, _, layout in MEAN_COLUMNS]
        lines.append(_latex_row([group_name(row), f"[{row['event_window']}]", *cells]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _latex_row(cells: Sequence[str]) -> str:
    """Cells with LaTeX's own signs escaped, and a minus sign that is one."""
    escaped = [cell.translate(_LATEX) for cell in cells]
    numbers = [f"${cell}$" if cell.startswith("-") else cell for cell in escaped[2:]]
    return " & ".join([*escaped[:2], *numbers]) + r" \\"
