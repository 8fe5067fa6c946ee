"""What a person sees of work done: a prefetch, a run, and where a quarter stands."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftm_ray.cli.progress import duration
from ftm_ray.cli.screens import console, counted, fields
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.compare import Comparison
from ftm_ray.naming.compare_page import COMPARED, shown_value
from ftm_ray.results.status import MapStatus, QuarterStatus
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
    **_LEFT_OUT_WORDS,
}

_NO_LLM = (
    "no LLM: topics are named by keywords and their most central sentence, marked summary_source='keywords'. "
    "--llm serve or --llm URL has an LLM name them"
)

#: Failed firms that are listed with their reasons; --json lists all.
_LISTED_FIRMS = 20


def show_prefetch(report: PrefetchReport, root: str) -> None:
    """What came in, what was kept, what was dropped and why."""
    out = console()
    held = report.manifest
    words = {"built": "is ready", "resumed": "is ready (went on where it stopped)", "unchanged": "was ready; no change"}
    size = ", ".join(counted(n, thing) for n, thing in _sizes(held.n_firms, held.n_calls, held.n_sentences))
    out.print(Text(f"{held.quarter} {words[report.state]}: {size}", "bold"))
    out.print(coverage_table(report.lines))
    lines = [("store", report.folder), ("links", _links_words(held.linked, report.n_unlinked, held.n_firms))]
    left_out = {why: n for why, n in report.input_counts.items() if why != "rows of the quarter" and n}
    if left_out and held.source == "files":  # of WRDS whole calls are left out: show_listed_calls
        lines.append(("rows left out", ", ".join(f"{n:,} {why}" for why, n in left_out.items())))
    lines.append(("next", _command(f"run {held.quarter}", root)))
    out.print(fields(lines))


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
        more = f" and {len(names) - _LISTED_FIRMS:,} more" if len(names) > _LISTED_FIRMS else ""
        lines.append(("firms not linked", ", ".join(names[:_LISTED_FIRMS]) + more))
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


def show_run(record: Mapping[str, Any], root: str, already_done: bool) -> None:
    """What a run did, where its outputs lie, and what to do next."""
    out = console()
    quarter = record["quarter"]
    took = sum(record["seconds"].get(name, 0.0) for name in ("start", "llm", "map", "reduce"))
    state = "was done already, nothing to do" if already_done else f"is done, in {duration(took)}"
    out.print(Text(f"{quarter} {state} (run {record['run_id']})", "bold"))
    out.print(fields(_run_lines(record)))
    if not record["counts"]["n_topics"]:
        out.print(
            Text("No topic was found: are these the right transcripts? `ftm status` shows the coverage.", "yellow")
        )
    out.print(Text("\nOutputs", "bold"))
    _print_outputs(out, record, root)
    out.print(Text("\nNext", "bold"))
    first = f"{quarter}-0001" if record["quality"]["n_themes"] else "THEME_ID"
    for command in (f"themes {quarter}", f"trace {first}", f"verify {quarter}"):
        out.print(Text(_command(command, root)), soft_wrap=True)  # one line, so that it can be copied


def show_status(status: QuarterStatus, root: str) -> None:
    """Where a quarter stands: its transcripts, its maps, and what is published."""
    out = console()
    out.print(Text(f"{status.quarter}: {_stage_words(status, root)}", "bold"))
    if status.running:
        out.print(Text(f"at work on it now: {status.running}"))
    out.print(Text(f"\nTranscripts (from {status.source})", "bold"))
    out.print(coverage_table(status.coverage))
    shown = [made for made in status.maps if made.n_left or made is status.maps[0]]
    for made in shown:
        out.print(Text(f"\nFirm topics (map {made.map_id}{_map_words(status, made)})", "bold"))
        out.print(fields(_map_lines(status, made)))
        for firm in made.failed[:_LISTED_FIRMS]:
            out.print(Text(f"  failed: {firm.firm_name or firm.firm_id} ({firm.firm_id}): {firm.reason}", "red"))
        if len(made.failed) > _LISTED_FIRMS:
            out.print(Text(f"  and {len(made.failed) - _LISTED_FIRMS} more (--json lists all)", "red"))
    n_others = len(status.maps) - len(shown) + status.n_old_maps
    if n_others:
        out.print(Text(f"{counted(n_others, 'map')} of other settings, versions or transcripts beside it", "dim"))
    if status.record:
        out.print(Text(f"\nPublished (run {status.record['run_id']})", "bold"))
        out.print(fields(_run_lines(status.record)))
        _print_outputs(out, status.record, root)


def show_comparison(comparison: Comparison, root: str) -> None:
    """How two LLMs did on the same topics, and where the texts stand."""
    out = console()
    out.print(Text(f"{comparison.quarter}: two LLMs name {counted(comparison.n_topics, 'topic')}", "bold"))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    for letter, side in (("a", comparison.a), ("b", comparison.b)):
        table.add_column(f"{letter}: {side.model}", overflow="fold")
    for name, words in COMPARED.items():
        table.add_row(words, *(shown_value(getattr(side, name)) for side in (comparison.a, comparison.b)))
    out.print(table)
    lines = [("cosine of the two summaries, mean", shown_value(comparison.mean_summaries_cosine))]
    lake = Lake(root)
    paths = [("page", lake.full_path(comparison.page)), ("table", lake.full_path(comparison.table))]
    out.print(fields([*lines, *paths]))


def _run_lines(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Counts that add up, and quality, of a finished run."""
    counts, quality = record["counts"], record["quality"]
    in_invalid = sum(counts["n_topics_in_invalid"].values())
    return [
        (
            "firms",
            f"{counts['n_firms']:,} = {counts['n_done']:,} done + {counts['n_failed']:,} failed "
            f"+ {counts['n_skipped']:,} skipped",
        ),
        (
            "sentences",
            f"{counts['n_sentences']:,} = {counts['n_in_topics']:,} in topics + {counts['n_outliers']:,} outliers "
            f"+ {counts['n_dropped']:,} left out",
        ),
        (
            "topics",
            f"{counts['n_topics']:,} = {counts['n_topics_in_themes']:,} in themes + "
            f"{counts['n_topics_outliers']:,} like no others + {in_invalid:,} in clusters that are no theme",
        ),
        ("themes", _themes_words(quality)),
        ("named by", _naming_words(record)),
        *([("asked", _asked_words(record["llm"]))] if record["llm"] else []),
        ("quality", _quality_words(quality)),
    ]


def _naming_words(record: Mapping[str, Any]) -> str:
    if record["llm"] is None:
        return _NO_LLM
    naming, model = record["naming"], record["config"]["llm"]["model"]
    said = [f"{naming['n_llm']:,} topics by {model}", f"{naming['n_keywords']:,} by keywords"]
    said += [f"{naming['n_names_firm']:,} names hold a firm or person"] if naming["n_names_firm"] else []
    said += [f"{naming['n_numbered_labels']:,} theme labels told apart by a number"] * bool(naming["n_numbered_labels"])
    return ", ".join(said)


def _asked_words(llm: Mapping[str, Any]) -> str:
    """What this run asked the LLM, by phase."""
    return "; ".join(f"{phase}: {_account_words(llm[phase])}" for phase in ("topics", "themes"))


def _account_words(account: Mapping[str, Any]) -> str:
    if not account["n_questions"]:
        return "nothing"
    said = [counted(account["n_questions"], "question"), counted(account["n_requests"], "request")]
    said += [f"{account['n_remembered']:,} remembered"] if account["n_remembered"] else []
    said += [f"{account['n_retries']:,} tried again"] if account["n_retries"] else []
    said += [f"{account['n_again']:,} refused once"] if account["n_again"] else []
    if account["n_requests"]:
        said.append(f"{account['prompt_tokens']:,} tokens in ({account['cached_tokens']:,} cached)")
        said.append(f"{account['completion_tokens']:,} out")
        said.append(f"{account['request_s'] / account['n_requests']:.2f} s a request")
    said += [f"{outcome} {n:,}" for outcome, n in sorted(account["outcomes"].items()) if outcome != "named"]
    return ", ".join(said)


def _themes_words(quality: Mapping[str, Any]) -> str:
    if not quality["n_themes"]:
        return "0: no group of topics is shared by enough firms"
    return f"{quality['n_themes']:,}, with {quality['median_firms_per_theme']:g} firms in the middle one"


def _quality_words(quality: Mapping[str, Any]) -> str:
    names = {
        "npmi_coherence": "coherence (NPMI)",
        "topic_diversity": "diversity",
        "topics_per_firm": "topics per firm",
        "outlier_ratio": "outliers",
        "theme_coverage": "topics in themes",
        "theme_cohesion": "theme cohesion",
    }
    shares = {"outlier_ratio", "theme_coverage"}
    known = {name: value for name in names if (value := quality.get(name)) is not None}
    return ", ".join(
        f"{names[name]} {value:.0%}" if name in shares else f"{names[name]} {value:.3g}"
        for name, value in known.items()
    )


def _print_outputs(out: Console, record: Mapping[str, Any], root: str) -> None:
    """Where the published files lie, each path on one line, so that it can be copied."""
    lake, quarter, files = Lake(root), record["quarter"], record["files"]
    tables = sorted({path.split("/")[1] for path in files if path.startswith("processed/")})
    sentiment = next((path for path in files if path.startswith("sentiment-ready/")), None)
    places = {
        "tables": lake.full_path(f"processed/{{{','.join(tables)}}}/quarter={quarter}/"),
        "per stock": lake.full_path(sentiment) if sentiment else str(record["sentiment_ready"]),
        "record": lake.full_path(lake.run_file(quarter, record["run_id"])),
    }
    for name, place in places.items():
        out.print(Text.assemble((f"{name:<11}", "dim"), place), soft_wrap=True)


def _stage_words(status: QuarterStatus, root: str) -> str:
    command = f"`{_command(f'run {status.quarter}', root)}`"
    n_left = status.maps[0].n_left if status.maps else status.n_firms
    return {
        "prefetched": f"ready to run; {command} begins",
        "mapping": f"a run is under way or was stopped, {counted(n_left, 'firm')} left; {command} goes on",
        "mapped": f"all firms are done, nothing is published; {command} ends it or says what is wrong",
        "publishing": f"being published, or the publication was stopped; {command} ends it",
        "published": "published",
        "outdated": f"published from transcripts that were since brought in anew; {command} takes the new ones",
    }[status.stage]


def _command(command: str, root: str) -> str:
    """A command as a shell takes it: a blank in a folder's name, or the ? of s3://bucket/prefix?sse=, wants quotes."""
    return f"ftm {command} --root {shlex.quote(root)}"


def _map_words(status: QuarterStatus, made: MapStatus) -> str:
    if status.record is None:
        return ""
    return ", published" if status.record["map_id"] == made.map_id else ", of other settings or another version"


def _map_lines(status: QuarterStatus, made: MapStatus) -> list[tuple[str, str]]:
    firms = f"{made.n_done:,} done, {made.n_failed:,} failed, {made.n_skipped:,} skipped, {made.n_left:,} left"
    done = status.n_sentences - made.n_sentences_left
    return [
        ("firms", firms),
        ("sentences", f"{done:,} of {status.n_sentences:,} worked on"),
        ("batches", f"{made.n_batches - made.n_batches_left:,} of {made.n_batches:,} written"),
        ("topics", f"{made.n_topics:,}, {made.n_named:,} of them named by an LLM"),
    ]


def _links_words(linked: bool, n_unlinked: int, n_firms: int) -> str:
    if not linked:
        return "no PERMNO links (--links FILE gives them): all firms are kept, and there will be no table per stock"
    if not n_unlinked:
        return "every firm in the store has a PERMNO"
    return f"{n_unlinked:,} of {n_firms:,} firms have no PERMNO; a run leaves them out unless --keep-unlinked"


def _sizes(n_firms: int, n_calls: int, n_sentences: int) -> list[tuple[int, str]]:
    return [(n_firms, "firm"), (n_calls, "call"), (n_sentences, "sentence")]
