"""`ftm report`: one HTML page for a quarter or for years. It does not start Ray."""

from pathlib import Path

import click

from ftm_ray.cli.options import open_lake, quarter_argument, root_option, write_page
from ftm_ray.cli.terminal import echo
from ftm_ray.errors import ConfigError


@click.command(short_help="Make one page to look at.")
@quarter_argument
@root_option
@click.option(
    "--from", "first", metavar="QUARTER", help="Show the published quarters from this one on. [default: QUARTER alone]"
)
@click.option(
    "--exemplars", type=click.IntRange(0, 10), default=3, show_default=True,
    help="Sentences of each topic; 0 = no spoken word on the page.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="[default: report-QUARTER.html]")
def report(quarter: str, root: str, first: str | None, exemplars: int, out: Path | None) -> None:
    """Make one HTML page of QUARTER: a map of topics, themes, firms, sentences, attention over quarters.

    It opens from disk, asks nobody for anything, and can be handed on. It then holds words of the calls: with
    transcripts that may not be handed on, give --exemplars 0.

    \b
      ftm report 2024Q4 --root lake
      ftm report 2024Q4 --from 2023Q1 --root lake --exemplars 0 --out themes.html
    """
    from ftm_ray.lake.storage import check_quarter
    from ftm_ray.results.report.content import published_quarters
    from ftm_ray.results.report.writer import make_report

    first = check_quarter(first) if first else quarter
    if first > quarter:
        raise ConfigError(f"--from {first} is after {quarter}")
    lake = open_lake(root)
    page = make_report(lake, published_quarters(lake, first, quarter), exemplars)
    path = out or Path(f"report-{quarter}.html")
    write_page(path, page.html)
    spoken = f"{page.n_sentences:,} sentences as spoken" if exemplars else "no spoken word"
    echo(
        f"{path}: {page.n_themes:,} themes and {page.n_topics:,} topics of {', '.join(page.quarters)}, {spoken}; "
        f"{path.stat().st_size / 1e6:.1f} MB. Open it in a browser."
    )
