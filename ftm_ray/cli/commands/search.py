"""`ftm search`: themes, topics or sentences that are about a question."""

from dataclasses import asdict

import click

from ftm_ray.cli.options import json_option, open_lake, print_json, root_option


@click.command(short_help="Find what was said about something.")
@click.argument("question")
@root_option
@click.option(
    "--in", "among", type=click.Choice(["themes", "topics", "sentences"]), default="topics", show_default=True,
    help="What is looked through.",
)  # fmt: skip
@click.option("--quarter", "quarters", multiple=True, help="May be given again. [default: all that are published]")
@click.option("--firm", "firms", multiple=True, metavar="ID", help="Only what this firm said. May be given again.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(["subject", "results", "vague"]),
    help="Only themes of this kind, and what belongs to them. May be given again.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Hits shown.")
@json_option
def search(question: str, root: str, quarters: tuple[str, ...], as_json: bool, **options: object) -> None:
    """Find the topics (or themes, or sentences) that are about QUESTION, by meaning and by words, best first.

    Filters come before the ranking. Each hit says its place by meaning and by words, and has a command that leads to
    what was spoken. Sentences are ranked by vectors of their own where the run kept them (`ftm run --keep-vectors`),
    else by their topics and words (docs/search.md).

    \b
      ftm search "tariffs on suppliers" --root lake
      ftm search "tariffs on suppliers" --in themes --kind subject --root lake
      ftm search "hiring nurses" --in sentences --quarter 2023Q1 --firm HCA --root lake
      ftm search "tariffs on suppliers" --limit 50 --json --root lake > hits.json
    """
    from ftm_ray.results.published import published_records
    from ftm_ray.results.search.request import make_request
    from ftm_ray.results.search.searcher import Searcher

    request = make_request(question, **options)  # type: ignore[arg-type]
    lake = open_lake(root)
    found = Searcher(lake, published_records(lake, quarters)).search(request)
    if as_json:
        print_json(asdict(found))
        return
    from ftm_ray.cli.screens.search import show_hits

    show_hits(found)
