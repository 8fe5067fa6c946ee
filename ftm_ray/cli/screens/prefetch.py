"""The screen of `ftm prefetch`: what came in, what was kept, and why the rest was not."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ftm_ray.cli.screens.shapes import LISTED_FIRMS, console, counted, fields, ftm_command
from ftm_ray.sources.coverage import CoverageLine
from ftm_ray.sources.prefetch import PrefetchReport
from ftm_ray.sources.wrds.calls import CallSummary

#: Why the text of a call is not fetched from WRDS; docs/wrds.md has the rules.
_LEFT_OUT_WORDS = {
    "not_asked": "not in the list of --firms",
    "over_limit": "behind the firms of --limit",
    "no_gvkey": "no gvkey holds on the day of the call",
    "no_permno": "no PERMNO holds on the day of the call",
    "other_permno": "another PERMNO than the firm's last linked call",
}

#: Reasons and notes of the coverage report in words; docs/coverage-rules.md has the rules.
_COVERAGE_WORDS = {
    "empty": "no text",
    "short": "a fragment, too little for one topic",
    "duplicate_call": "the same text again under another id",
    "other_firm": "the text is another firm's call",
    "pasted_twice": "sentences of a second copy inside a call",
    "foreign": "sentences in another language",
    "short_for_quarter": "far shorter than the others: cut off?",
    "two_calls": "a firm with more than one call; all are kept",
    "copy_in_firm": "shares text with another call of the firm",
    "shared_with_firm": "shares text with another firm's call",
    "other_quarter": "shares text with a call of another quarter",
    "no_firm_name": "the firm has no name; its id stands in",
    "html": "HTML remnants, repaired",
    "mojibake": "broken characters, repaired",
    "invisible": "characters that nobody sees inside words, taken out",
    "file_order": "positions are not unique: turns stand as in the file, section by section",
    "speaker_labels": "cut into turns at the speakers' labels in the text",
    **_LEFT_OUT_WORDS,
}


def show_prefetch(report: PrefetchReport, root: str) -> None:
    """What came in, what was kept, what was dropped and why."""
    out = console()
    held = report.manifest
    words = {"built": "is ready", "resumed": "is ready (went on where it stopped)", "unchanged": "was ready; no change"}
    size = ", ".join(counted(n, thing) for n, thing in _sizes(held.n_firms, held.n_calls, held.n_sentences))
    out.print(Text(f"{held.quarter} {words[report.state]}: {size}", "bold"))
    out.print(coverage_table(report.lines))
    lines = [("store", report.folder), ("links", _links_words(held.linked, report.n_unlinked, held.n_firms))]
    if held.source == "files":  # of WRDS whole calls are left out: show_listed_calls
        lines += left_out_rows(report.input_counts)
    lines += [("input", note) for note in report.input_notes]
    lines.append(("next", ftm_command(f"run {held.quarter}", root)))
    out.print(fields(lines))


def left_out_rows(input_counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Rows of files that are left out, by reason; no line where none is."""
    left_out = {why: n for why, n in input_counts.items() if why != "rows of the quarter" and n}
    return [("rows left out", ", ".join(f"{n:,} {why}" for why, n in left_out.items()))] if left_out else []


def show_listed_calls(quarter: str, calls: CallSummary, n_rows: int | None = None) -> None:
    """Which calls WRDS lists, which of them are read, and why the others are not; with n_rows, what a dry run saw."""
    out = console()
    found = f"{counted(calls.n_calls, 'call')} of {counted(calls.n_firms, 'firm')}"
    out.print(
        Text(
            f"WRDS lists {found} in {quarter}" + (" (dry run: nothing is fetched)" if n_rows is not None else ""),
            "bold",
        )
    )
    read = f"{counted(calls.n_calls_read, 'call')} of {counted(calls.n_firms_read, 'firm')}"
    lines = [("read", read if n_rows is None else f"{read}, {counted(n_rows, 'row')}")]
    lines += [
        (f"not read: {why}", f"{counted(n, 'call')}: {_LEFT_OUT_WORDS[why]}") for why, n in calls.left_out.items()
    ]
    if calls.n_several_links:
        lines.append(("several links", f"{counted(calls.n_several_links, 'call')} with n_link > 1: one chosen by rule"))
    if calls.n_not_final:
        lines.append(("not final", f"{counted(calls.n_not_final, 'call')} of which WRDS has no Final transcript"))
    if calls.unlinked_firms:
        names = [f"{name or 'no name'} ({firm_id})" for firm_id, name in calls.unlinked_firms.items()]
        more = f" and {len(names) - LISTED_FIRMS:,} more" if len(names) > LISTED_FIRMS else ""
        lines.append(("firms not linked", ", ".join(names[:LISTED_FIRMS]) + more))
    out.print(fields(lines))


def coverage_table(lines: Sequence[CoverageLine]) -> Table:
    """Firms, calls and sentences in, kept, dropped and noted."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in ("firms", "calls", "sentences"):
        table.add_column(name, justify="right")
    table.add_column("")
    for line in lines:
        name = line.kind if line.reason is None else f"{line.kind}: {line.reason}"
        numbers = (f"{n:,}" for n in (line.n_firms, line.n_calls, line.n_sentences))
        table.add_row(name, *numbers, Text(_COVERAGE_WORDS.get(line.reason or "", ""), "dim"))
    return table


def _links_words(linked: bool, n_unlinked: int, n_firms: int) -> str:
    if not linked:
        return "no PERMNO links (--links FILE gives them): all firms are kept, and there will be no table per stock"
    if not n_unlinked:
        return "every firm in the store has a PERMNO"
    return f"{n_unlinked:,} of {n_firms:,} firms have no PERMNO; a run leaves them out unless --keep-unlinked"


def _sizes(n_firms: int, n_calls: int, n_sentences: int) -> list[tuple[int, str]]:
    return [(n_firms, "firm"), (n_calls, "call"), (n_sentences, "sentence")]
