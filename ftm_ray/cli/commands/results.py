"""Commands that read what a quarter has: `ftm status`, `themes`, `trace`, `sql` and `verify`. None starts Ray."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ftm_ray.cli.options import json_option, open_lake, print_json, quarter_argument, root_option
from ftm_ray.cli.terminal import echo
from ftm_ray.errors import QualityError, SourceError


@click.command(short_help="Show where a quarter stands.")
@quarter_argument
@root_option
@json_option
def status(quarter: str, root: str, as_json: bool) -> None:
    """Show where QUARTER stands: coverage, firms done, failed and left, quality, outputs.

    \b
      ftm status 2023Q1 --root lake
    """
    from ftm_ray.cli.screens.status import show_status
    from ftm_ray.results.status import quarter_status

    found = quarter_status(open_lake(root), quarter)
    if as_json:
        print_json(asdict(found))
    else:
        show_status(found, root)


@click.command(short_help="List the largest themes.")
@quarter_argument
@root_option
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="Themes shown.")
@click.option(
    "--by", type=click.Choice(["size", "surprise", "stability"]),
    help="Order of the themes. [default: surprise where a quarter before is linked, else size]",
)  # fmt: skip
@json_option
def themes(quarter: str, root: str, top: int, by: str | None, as_json: bool) -> None:
    """List the themes of QUARTER: subjects first, talk of results and vague talk below, unstable ones last of each.

    Where the quarter before is linked (`ftm lineage`), those come first whose attention grew most beyond what is usual.

    \b
      ftm themes 2023Q1 --root lake --top 5
      ftm themes 2023Q1 --root lake --by size
    """
    from ftm_ray.cli.screens.themes import show_themes
    from ftm_ray.results.theme_list import list_themes

    found = list_themes(open_lake(root), quarter, top, by)
    if as_json:
        print_json(asdict(found))
    else:
        show_themes(found)


@click.command(short_help="Follow a theme to topics and sentences.")
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
    from ftm_ray.cli.screens.themes import show_trace
    from ftm_ray.results.theme_trace import trace_theme

    found = trace_theme(open_lake(root), theme_id, max_sentences or (None if as_json else 5))
    if as_json:
        print_json(asdict(found))
    else:
        show_trace(found)


@click.command(short_help="Ask in SQL what is published.")
@click.argument("question")
@root_option
@click.option("--quarter", "quarters", multiple=True, help="May be given again. [default: all that are published]")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Only quarters that were over on this day.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer here: .csv or .parquet.")
@json_option
def sql(question: str, root: str, quarters: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Ask in SQL (DuckDB) over what is published.

    A question reaches these tables and nothing else: no files, no network.

    Tables: themes, theme_topics, topics, sentences, firms, sentiment_ready, lineage, attention (docs/query.md has ready
    questions).

    \b
      ftm sql "SELECT theme_id, label, n_firms FROM themes ORDER BY n_firms DESC LIMIT 10" --root lake
      ftm sql "SELECT * FROM themes" --out themes.csv --root lake --quarter 2023Q1
    """
    from ftm_ray.cli.screens.shapes import show_rows
    from ftm_ray.results.answer_file import check_answer_file, write_answer
    from ftm_ray.results.query import answer, keep_inside, open_results

    out, as_of = options["out"], options["as_of"]
    if out is not None:
        check_answer_file(out)
    results = open_results(root, *quarters, as_of=as_of.date() if as_of else None)
    keep_inside(results)
    found = answer(results, question)
    if found is not None and out is not None:
        write_answer(found, out)
        echo(f"{found.num_rows:,} rows in {out}", err=True)
    elif as_json:
        print_json(found.to_pylist() if found is not None else [])
    elif found is not None:
        show_rows(found)


@click.command(short_help="Check what is published.")
@quarter_argument
@root_option
@json_option
def verify(quarter: str, root: str, as_json: bool) -> None:
    """Check what is published of QUARTER: files, hashes, counts, and the chain from theme to sentence.

    Ends with 3 if something is wrong, with 4 if files are missing.

    \b
      ftm verify 2023Q1 --root lake
    """
    from ftm_ray.cli.screens.shapes import show_checks
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
