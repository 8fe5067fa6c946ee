"""The screen of `ftm prefetch --dry-run` for files: what was recognised, and how it will be stored."""

from collections.abc import Mapping

from rich.text import Text

from ftm_ray.cli.screens.prefetch import coverage_table, left_out_rows
from ftm_ray.cli.screens.shapes import console, counted, fields
from ftm_ray.sources.preview import Preview, StoredTurn

_SHOWN_CHARACTERS = 300
_SHOWN_FILES = 5


def show_preview(preview: Preview, columns: Mapping[str, Mapping[str, str]]) -> None:
    """What a prefetch would store.

    Args:
        preview: What was read.
        columns: Of each file, our column name to the file's.
    """
    out = console()
    kept = next(line for line in preview.lines if line.kind == "kept")
    size = ", ".join(
        counted(n, thing)
        for n, thing in ((kept.n_firms, "firm"), (kept.n_calls, "call"), (kept.n_sentences, "sentence"))
    )
    out.print(Text(f"{preview.quarter} would hold {size} (dry run: nothing is written)", "bold"))
    alike: dict[str, list[str]] = {}
    for path, found in columns.items():
        alike.setdefault(", ".join(f"{ours} = {theirs}" for ours, theirs in found.items()), []).append(path)
    lines: list[tuple[str, str | Text]] = []
    for recognised, paths in alike.items():
        more = f" and {len(paths) - _SHOWN_FILES:,} more" if len(paths) > _SHOWN_FILES else ""
        lines += [("files", ", ".join(paths[:_SHOWN_FILES]) + more), ("columns", recognised)]
    lines += [("input", note) for note in preview.input_notes]
    lines += left_out_rows(preview.input_counts)
    out.print(fields(lines))
    for number, turn in enumerate(preview.turns, 1):
        out.print(fields([(f"turn {number}", _who(turn)), ("", _what(turn))]))
    out.print(coverage_table(preview.lines))


def _who(turn: StoredTurn) -> str:
    when = turn.call_time or str(turn.call_date)
    speaker = ", ".join(part for part in (turn.speaker_name, turn.speaker_type, turn.section) if part)
    return f"{turn.firm_id}, call {turn.transcript_id}, {when}: {speaker or 'no speaker known'}"


def _what(turn: StoredTurn) -> str:
    text = " | ".join(turn.sentences)
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} ..."
    return f"{shown} ({counted(len(turn.sentences), 'sentence')})"
