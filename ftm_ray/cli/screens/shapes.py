"""The shapes that screens are made of: consoles, fields in two columns, rows, checks, and a command to copy."""

import shlex
from collections.abc import Iterable

import pyarrow as pa
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ftm_ray.cli.terminal import visible

#: Firms that are listed one by one; --json lists all.
LISTED_FIRMS = 20

_MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red"), "skip": ("-", "dim")}


class SafeConsole(Console):
    """A console that shows codes in texts; those that rich itself makes, for colours and bars, it sends on."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Rich calls this for all that is printed, at last with each text by itself."""
        if isinstance(renderable, Text):
            renderable = _visible_text(renderable)
        elif isinstance(renderable, str):
            renderable = visible(renderable)
        return super().render(renderable, options)


def _visible_text(text: Text) -> Text:
    """The text with its styles, which lie at the same places as before."""
    shown = text.copy()
    shown.plain = visible(text.plain)
    return shown


def console() -> Console:
    """Standard output; made anew each time, so that it finds the stream and the width of the moment."""
    return SafeConsole(highlight=False, markup=False, emoji=False)


def error_console() -> Console:
    """Standard error, for progress and warnings."""
    return SafeConsole(stderr=True, highlight=False, markup=False, emoji=False)


def counted(n: int, thing: str) -> str:
    """A number with its noun: 1 firm, 2 firms, 1,204 sentences, 3 batches."""
    ending = "es" if thing.endswith("ch") else "s"
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}{ending}"


def fields(lines: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and values in two columns."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(name, Text(value) if isinstance(value, str) else value)
    return table


def ftm_command(command: str, root: str) -> str:
    """A command as a shell takes it: a blank in a folder's name, or the ? of s3://bucket/prefix?sse=, wants quotes."""
    return f"ftm {command} --root {shlex.quote(root)}"


def show_rows(found: pa.Table) -> None:
    """Rows of an answer as they are; long text wraps."""
    table = Table(caption=counted(found.num_rows, "row"), caption_justify="left")
    for column in found.schema:
        is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        table.add_column(Text(column.name), justify="right" if is_number else "left", overflow="fold")
    for row in found.to_pylist():
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_checks(checks: Iterable[tuple[str, str, str]]) -> None:
    """One line per check: mark (ok, warn, fail, skip), name, and what was seen or what to do."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for mark, name, seen in checks:
        table.add_row(Text(*_MARKS[mark]), Text(name), Text(seen))
    console().print(table)
