"""The `ftm` command: each command reads its options, calls one function, and shows or prints what it returns.

Standard output carries the result, as a screen or with --json as JSON; progress and errors go to standard error.
Exit codes: 0 done, 2 usage or configuration, 3 quality gate, 4 source or storage, 130 Ctrl-C. Heavy imports stand
inside the command that needs them, so that `ftm --help` and `ftm themes` answer at once.
"""

import logging
import sys
from dataclasses import asdict
from typing import Any

import click

from ftm_ray.cli.llm_commands import llm
from ftm_ray.cli.options import (
    config_option,
    json_option,
    open_lake,
    print_json,
    quarter_argument,
    root_option,
    take_lock_option,
)
from ftm_ray.errors import FtmError, QualityError, SourceError
from ftm_ray.version import __version__

logger = logging.getLogger("ftm_ray")

EXIT_CTRL_C = 130


class FtmGroup(click.Group):
    """Turns our errors and Ctrl-C into one line and an exit code, for every command."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except FtmError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):  # Abort: Ctrl-C at a prompt
            click.echo("stopped; the same command goes on where this one stopped", err=True)
            ctx.exit(EXIT_CTRL_C)


@click.group(cls=FtmGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ftm")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done in detail.")
def cli(verbose: bool) -> None:
    """Find the investment themes that many firms talk about in one quarter of earnings calls.

    \b
    The usual way, with a folder of transcripts in calls/:
      ftm prefetch 2023Q1 --path 'calls/*.parquet' --root lake
      ftm run 2023Q1 --root lake
      ftm themes 2023Q1 --root lake
      ftm trace 2023Q1-0001 --root lake
    """
    _configure_logging(verbose)


@cli.command(short_help="Bring transcripts into ROOT, cleaned and checked.")
@quarter_argument
@root_option
@click.option("--from", "source", type=click.Choice(["files", "wrds"]), default="files", show_default=True)
@click.option("--path", "paths", multiple=True, help="Files: file, folder or glob; may be given again.")
@click.option("--ids", help="Files: only these transcript ids; a JSON list, or ids.json:KEY for one inside an object.")
@click.option("--links", help="Files: CSV or Parquet with firm_id, permno, gvkey: links firms to stocks.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Files: names a column; repeatable.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="WRDS: no transcript version after it."
)
@click.option("--keep-unlinked", is_flag=True, help="WRDS: also fetch firms without PERMNO.")
@click.option("--firms", metavar="FILE", help="WRDS: only these; first line companyid, gvkey or permno, then values.")
@click.option("--limit", type=click.IntRange(min=1), help="WRDS: only the first firms, so many.")
@click.option("--dry-run", is_flag=True, help="WRDS: count calls, links and rows; fetch and write nothing.")
@click.option("--schema", "schemas", multiple=True, metavar="OURS=THEIRS", help="WRDS: where tables lie; repeatable.")
@take_lock_option
@json_option
def prefetch(quarter: str, root: str, as_json: bool, **options: Any) -> None:
    """Bring the transcripts of QUARTER into ROOT, cleaned and checked, and report the coverage.

    From files: Parquet, CSV or JSON Lines, one row per call or per speaker turn. Columns with usual names are
    recognised (docs/own-files.md). From WRDS: Capital IQ transcripts with their links; user and password come from
    PGUSER and ~/.pgpass or are asked for, and never stand in a command (docs/wrds.md).

    \b
      ftm prefetch 2023Q1 --path 'calls/*.parquet' --root lake
      ftm prefetch 2023Q1 --path calls.csv --column text=body --links links.csv --root s3://bucket/ftm
      ftm prefetch 2023Q1 --from wrds --root s3://bucket/ftm
    """
    from ftm_ray.cli.launch import launch_prefetch
    from ftm_ray.cli.summaries import show_listed_calls, show_prefetch

    if options["source"] == "wrds" and options["dry_run"]:
        _dry_run(quarter, options, as_json)
        return
    report = launch_prefetch(open_lake(root), quarter, options)
    listed = None
    if options["source"] == "wrds":
        from ftm_ray.cli.launch_wrds import fetched_calls

        listed = fetched_calls(open_lake(root), quarter, options)
    if as_json:
        manifest = {name: value for name, value in asdict(report.manifest).items() if name != "batches"}
        print_json(asdict(report) | {"manifest": manifest} | ({"wrds": asdict(listed)} if listed else {}))
        return
    if listed:
        show_listed_calls(quarter, listed)
    show_prefetch(report, root)


@cli.command(short_help="Find topics and themes, and publish them.")
@quarter_argument
@root_option
@click.option("--llm", metavar="none|serve|URL", help="Who names topics. [default: serve, where a GPU is]")
@click.option("--llm-model", help="Model that is served, or its name at the endpoint. [default: Qwen/Qwen3-8B]")
@click.option("--keep-llm", is_flag=True, help="Leave the served model up for the next quarter (`ftm llm down`).")
@config_option
@click.option("--workers", type=click.IntRange(min=1), help="Topic actors at work at once. [default: by the machine]")
@click.option("--keep-unlinked", is_flag=True, help="Keep firms without PERMNO where others have one.")
@take_lock_option
@json_option
def run(quarter: str, root: str, as_json: bool, **options: Any) -> None:
    """Find the topics and themes of QUARTER and publish them under ROOT.

    The same command goes on where an earlier one stopped, and does nothing where all is done. --llm says who names
    topics and themes: serve (the cluster serves the model; the default where Ray sees a GPU), the URL of any
    OpenAI-compatible endpoint, or none (keywords stand in, and every row says so).

    \b
      ftm run 2023Q1 --root lake
      ftm run 2023Q1 --root lake --llm http://localhost:8000/v1 --llm-model Qwen/Qwen3-8B
      ftm run 2023Q1 --root lake --llm none
    """
    from ftm_ray.cli.launch import launch_run
    from ftm_ray.cli.summaries import show_run

    outcome = launch_run(root, quarter, options)
    if as_json:
        print_json({"already_done": outcome.already_done, "record": outcome.record})
    else:
        show_run(outcome.record, root, outcome.already_done)


@cli.command(short_help="Show where a quarter stands.")
@quarter_argument
@root_option
@json_option
def status(quarter: str, root: str, as_json: bool) -> None:
    """Show where QUARTER stands: coverage, firms done, failed and left, quality, outputs.

    \b
      ftm status 2023Q1 --root lake
    """
    from ftm_ray.cli.summaries import show_status
    from ftm_ray.results.status import quarter_status

    found = quarter_status(open_lake(root), quarter)
    if as_json:
        print_json(asdict(found))
    else:
        show_status(found, root)


@cli.command(short_help="List the largest themes.")
@quarter_argument
@root_option
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="Themes shown, largest first.")
@json_option
def themes(quarter: str, root: str, top: int, as_json: bool) -> None:
    """List the largest themes of QUARTER.

    \b
      ftm themes 2023Q1 --root lake --top 5
    """
    from ftm_ray.cli.screens import show_themes
    from ftm_ray.results.theme_list import list_themes

    found = list_themes(open_lake(root), quarter, top)
    if as_json:
        print_json(asdict(found))
    else:
        show_themes(found)


@cli.command(short_help="Follow a theme to topics and sentences.")
@click.argument("theme_id")
@root_option
@click.option("--max-sentences", type=click.IntRange(min=1), help="Sentences per topic. [default: 5; all with --json]")
@json_option
def trace(theme_id: str, root: str, max_sentences: int | None, as_json: bool) -> None:
    """Follow a theme to its topics, firm by firm, and to the sentences that were spoken.

    \b
      ftm trace 2023Q1-0003 --root lake
      ftm trace 2023Q1-0003 --root lake --json > theme.json
    """
    from ftm_ray.cli.screens import show_trace
    from ftm_ray.results.theme_trace import trace_theme

    found = trace_theme(open_lake(root), theme_id, max_sentences or (None if as_json else 5))
    if as_json:
        print_json(asdict(found))
    else:
        show_trace(found)


@cli.command(short_help="Ask in SQL what is published.")
@click.argument("question")
@root_option
@click.option("--quarter", "quarters", multiple=True, help="May be given again. [default: all that are published]")
@json_option
def sql(question: str, root: str, quarters: tuple[str, ...], as_json: bool) -> None:
    """Ask in SQL (DuckDB) over what is published.

    Tables: themes, theme_topics, topics, sentences, firms, sentiment_ready (docs/query.md has ready questions).

    \b
      ftm sql "SELECT theme_id, label, n_firms FROM themes ORDER BY n_firms DESC LIMIT 10" --root lake
      ftm sql "COPY (SELECT * FROM themes) TO 'themes.csv'" --root lake --quarter 2023Q1
    """
    from ftm_ray.cli.screens import show_rows
    from ftm_ray.results.query import answer, open_results

    found = answer(open_results(root, *quarters), question)
    if as_json:
        print_json(found.to_pylist() if found is not None else [])
    elif found is not None:
        show_rows(found)


@cli.command(short_help="Check what is published.")
@quarter_argument
@root_option
@json_option
def verify(quarter: str, root: str, as_json: bool) -> None:
    """Check what is published of QUARTER: files, hashes, counts, and the chain from theme to sentence.

    Ends with 3 if something is wrong, with 4 if files are missing.

    \b
      ftm verify 2023Q1 --root lake
    """
    from ftm_ray.cli.screens import show_checks
    from ftm_ray.results.verify.quarter import verify_quarter

    checks = verify_quarter(open_lake(root), quarter)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        show_checks(
            ("fail", check.name, "\n".join(check.problems)) if check.problems else ("ok", check.name, check.seen)
            for check in checks
        )
    wrong = [check.name for check in checks if check.problems]
    if wrong:
        kind = SourceError if any(check.files_missing for check in checks) else QualityError
        raise kind(f"what is published of {quarter} in {root} is not whole: {', '.join(wrong)}")


@cli.command(short_help="Say what this machine can do.")
@click.option("--root", help="Tests writing to this folder or s3://bucket/prefix.")
@click.option("--llm", metavar="URL", help="Tests this OpenAI-compatible endpoint.")
@json_option
def doctor(root: str | None, llm: str | None, as_json: bool) -> None:
    """Say what this machine can do, and what to do where it cannot.

    \b
      ftm doctor --root s3://bucket/ftm --llm http://localhost:8000/v1
    """
    from ftm_ray.cli.doctor import examine
    from ftm_ray.cli.screens import show_checks

    findings = examine(root, llm)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        show_checks((f.status, f.name, f"{f.seen}\n-> {f.advice}" if f.advice else f.seen) for f in findings)
    failed = [finding.name for finding in findings if finding.status == "fail"]
    if failed:
        raise SourceError(f"not ready: {', '.join(failed)}")


cli.add_command(llm)


# --- behind the commands -------------------------------------------------------------------------------------------


def _dry_run(quarter: str, options: dict[str, Any], as_json: bool) -> None:
    from ftm_ray.cli.launch_wrds import dry_run
    from ftm_ray.cli.summaries import show_listed_calls

    listed, n_rows = dry_run(quarter, options)
    if as_json:
        print_json(asdict(listed) | {"n_rows": n_rows})
    else:
        show_listed_calls(quarter, listed, n_rows)


class _StandardError(logging.Handler):
    """Log lines go where standard error is at that moment: above the bars while there are any."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _configure_logging(verbose: bool) -> None:
    """A job's log gets a line per stage; in a terminal the bars say the same, so only warnings are left."""
    usual = logging.WARNING if sys.stderr.isatty() else logging.INFO
    handler = _StandardError()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if verbose else usual)


main = cli  # the entry point of `ftm`
