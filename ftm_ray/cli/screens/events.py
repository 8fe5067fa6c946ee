"""The screen of `ftm events`: which events are used, and the table that a referee expects."""

from collections import Counter

from rich.table import Table
from rich.text import Text

from ftm_ray.cli.screens.shapes import console, counted, fields
from ftm_ray.events.paper_tables import MEAN_COLUMNS, group_name, shown
from ftm_ray.events.study import Study

#: Themes shown; the files have all.
_SHOWN_THEMES = 12
_NAME_WIDTH = 20  # leaves room for the numbers in a terminal of 80 columns


def show_study(study: Study, folder: str) -> None:
    """Counts of events that add up, then means: all events first, then the themes with the largest two-way t."""
    out = console()
    reasons = Counter(study.tables["events"]["reason"].to_pylist())
    n_used, n_all = reasons.pop(None, 0), study.tables["events"].num_rows
    lines = [("events", f"{n_all:,}"), ("used", f"{n_used:,}")]
    n_toned = sum(value is not None for value in study.tables["event_themes"]["sentiment"].to_pylist())
    lines += [("sentiment", f"of {n_toned:,} of {study.tables['event_themes'].num_rows:,} mentions of themes")]
    lines += [(reason, f"{n:,}") for reason, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))]
    out.print(fields(lines))
    means = study.tables["event_means"].to_pylist()
    groups = dict.fromkeys(row["event_group"] for row in sorted(means, key=lambda row: -abs(row["t_two_way"] or 0)))
    themes = [group for group in groups if group != "all"]
    table = Table(title="Mean abnormal returns around calls", title_justify="left", box=None)
    table.padding, table.pad_edge, table.collapse_padding = (0, 1, 0, 0), False, True
    table.add_column("events", width=_NAME_WIDTH)
    table.add_column("window", no_wrap=True)
    for _, heading, _ in MEAN_COLUMNS:
        table.add_column(heading, justify="right", overflow="fold")
    for group in ("all", *themes[:_SHOWN_THEMES]):
        for at, row in enumerate(row for row in means if row["event_group"] == group):
            cells = [shown(row, column, layout) for column, _, layout in MEAN_COLUMNS]
            table.add_row(Text("" if at else group_name(row)), row["event_window"], *cells)
    out.print(table)
    if len(themes) > _SHOWN_THEMES:
        out.print(f"{_SHOWN_THEMES} of {counted(len(themes), 'theme')}, by two-way t: of many tried, some look large.")
    out.print(f"All tables lie in {folder}/")
