"""`ftm plan`: how long a run will take and what it will cost, before there is one."""

from pathlib import Path
from typing import Any

import click

from ftm_ray.cli.options import config_option, json_option, print_json


@click.command(short_help="Say how long a run will take and what it will cost.")
@click.option("--firms", type=click.IntRange(1, 1_000_000), help="Firms of the quarter. [default: those of --from-run]")
@click.option("--sentences", type=float, help="Their sentences, such as 2e6. [default: as --from-run, or 519 a firm]")
@click.option(
    "--topics", type=click.IntRange(1, 1_000_000_000), help="Topics that will be found. [default: by the sentences]"
)
@click.option("--nodes", multiple=True, metavar="TYPE=N", help="g6.xlarge=4 or 16cores=2. [default: this machine]")
@click.option("--market", type=click.Choice(["spot", "on-demand"]), default="spot", help="How they are bought.")
@click.option("--llm", default="none", metavar="none|serve|URL", help="Who names topics. [default: none]")
@click.option("--prices", type=click.Path(path_type=Path), help="TOML file with prices of nodes, S3 and tokens.")
@click.option("--from-run", metavar="FILE|QUARTER", help="Takes the rates of that run: run.json, or with --root.")
@click.option("--root", help="Where the quarter of --from-run is published.")
@config_option
@json_option
def plan(as_json: bool, **options: Any) -> None:
    """Say how long a run will take and what it will cost, stage by stage.

    Reckoned from a table of measured rates, or with --from-run from those of a run of yours. The band says how sure it
    is: a rate that nobody has measured is marked, and widens it.

    \b
      ftm plan --firms 5000 --sentences 2e6 --nodes g6.xlarge=4 --llm serve
      ftm plan --firms 500 --from-run 2023Q1 --root lake
    """
    from ftm_ray.cli.launch.plan import planned
    from ftm_ray.cli.screens.plan import show_plan
    from ftm_ray.run.planning.plan import as_json as json_of

    made, one_more = planned(options)
    if as_json:
        print_json(json_of(made) | {"one_more_node": None if one_more is None else json_of(one_more)})
    else:
        show_plan(made, one_more)
