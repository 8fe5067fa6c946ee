"""The screen of `ftm status`: where a quarter stands, from its transcripts to what is published."""

from rich.text import Text

from ftm_ray.cli.screens.prefetch import coverage_table
from ftm_ray.cli.screens.run import print_outputs, run_lines
from ftm_ray.cli.screens.shapes import LISTED_FIRMS, console, counted, fields, ftm_command
from ftm_ray.results.status import MapStatus, QuarterStatus


def show_status(status: QuarterStatus, root: str) -> None:
    """Where a quarter stands: its transcripts, its maps, and what is published."""
    out = console()
    out.print(Text(f"{status.quarter}: {_stage_words(status, root)}", "bold"))
    if status.running:
        out.print(Text(f"at work on it now: {status.running}"))
    if status.waits:
        out.print(Text(f"waiting {status.waits}"))
    out.print(Text(f"\nTranscripts (from {status.source})", "bold"))
    out.print(coverage_table(status.coverage))
    shown = [made for made in status.maps if made.n_left or made is status.maps[0]]
    for made in shown:
        out.print(Text(f"\nFirm topics (map {made.map_id}{_map_words(status, made)})", "bold"))
        out.print(fields(_map_lines(status, made)))
        for firm in made.failed[:LISTED_FIRMS]:
            out.print(Text(f"  failed: {firm.firm_name or firm.firm_id} ({firm.firm_id}): {firm.reason}", "red"))
        if len(made.failed) > LISTED_FIRMS:
            out.print(Text(f"  and {len(made.failed) - LISTED_FIRMS} more (--json lists all)", "red"))
    n_others = len(status.maps) - len(shown) + status.n_old_maps
    if n_others:
        out.print(Text(f"{counted(n_others, 'map')} of other settings, versions or transcripts beside it", "dim"))
    if status.record:
        out.print(Text(f"\nPublished (run {status.record['run_id']})", "bold"))
        out.print(fields(run_lines(status.record)))
        print_outputs(out, status.record, root)


def _stage_words(status: QuarterStatus, root: str) -> str:
    command = f"`{ftm_command(f'run {status.quarter}', root)}`"
    n_left = status.maps[0].n_left if status.maps else status.n_firms
    return {
        "prefetched": f"ready to run; {command} begins",
        "mapping": f"a run is under way or was stopped, {counted(n_left, 'firm')} left; {command} goes on",
        "mapped": f"all firms are done, nothing is published; {command} ends it or says what is wrong",
        "publishing": f"being published, or the publication was stopped; {command} ends it",
        "published": "published",
        "outdated": f"published from transcripts that were since brought in anew; {command} takes the new ones",
    }[status.stage]


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
