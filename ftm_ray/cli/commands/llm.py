"""The `ftm llm` commands: a model that stays up over several quarters, a comparison of two, and names to read."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ftm_ray.cli.options import (
    config_option,
    json_option,
    open_lake,
    print_json,
    quarter_argument,
    root_option,
    write_page,
)
from ftm_ray.cli.terminal import echo


@click.group(short_help="Serve the LLM, or compare two.")
def llm() -> None:
    """Serve the LLM for several quarters, see how two LLMs name the same topics, or read the names of a quarter.

    \b
      ftm llm up --llm-model Qwen/Qwen3-8B
      ftm llm down
    """


@llm.command(short_help="Keep a model up on the cluster.")
@click.option("--llm-model", help="Model that is served. [default: Qwen/Qwen3-8B]")
@click.option("--preset", type=click.Choice(["auto", "24gb", "80gb", "cpu"]), help="Settings. [default: by the GPUs]")
@config_option
def up(**options: Any) -> None:
    """Keep a model up on the cluster, so that several quarters need not load it each.

    Needs a cluster (RAY_ADDRESS). `ftm run --llm serve` finds the model there, uses it and leaves it up. If it does not
    come up, or at Ctrl-C, what was started is taken down again.

    \b
      ray start --head
      export RAY_ADDRESS=auto
      ftm llm up --llm-model Qwen/Qwen3-8B --preset 24gb
      ftm run 2023Q1 --root lake --llm serve
      ftm llm down
    """
    from ftm_ray.cli.launch.llm import bring_up

    found = bring_up(options)
    echo(f"{found.model} is up at {found.url}; `ftm llm down` ends it")


@llm.command("status", short_help="Say which model is up.")
@json_option
def llm_status(as_json: bool) -> None:
    """Say which model is up on the cluster, and where.

    \b
      ftm llm status --json
    """
    from ftm_ray.cli.launch.llm import served_status

    found = served_status()
    if as_json:
        print_json(asdict(found))
    elif found.state == "down":
        echo("no model is up")
    else:
        facts = [found.state, found.model or "no answer yet", found.url, found.message]
        echo(", ".join(fact for fact in facts if fact) + f", replicas: {found.n_replicas}")


@llm.command(short_help="Take the model down.")
def down() -> None:
    """Take down the model on the cluster, whoever started it, and free its GPUs.

    \b
      ftm llm down
    """
    from ftm_ray.cli.launch.llm import take_down

    echo("the model is down" if take_down() else "no model is up")


@llm.command(short_help="Have two LLMs name the same topics.")
@quarter_argument
@root_option
@click.option("--a", required=True, metavar="URL|serve", help="The first LLM.")
@click.option("--b", required=True, metavar="URL|serve", help="The second LLM.")
@click.option("--a-model", help="Model name sent to the first. [default: Qwen/Qwen3-8B]")
@click.option("--b-model", help="Model name sent to the second. [default: Qwen/Qwen3-8B]")
@click.option("--a-key-variable", metavar="NAME", help="Variable with the first's key. [default: FTM_LLM_API_KEY]")
@click.option("--b-key-variable", metavar="NAME", help="Variable with the second's key. [default: FTM_LLM_API_KEY]")
@click.option("--sample", type=click.IntRange(min=1), default=50, show_default=True, help="Topics that both name.")
@config_option
@json_option
def compare(quarter: str, root: str, as_json: bool, **options: Any) -> None:
    """Have two LLMs name the same topics of QUARTER, and write a page and a table that show them side by side.

    \b
      export GROK_KEY=...
      ftm llm compare 2023Q1 --root lake --a serve \\
        --b https://api.x.ai/v1 --b-model grok-4 --b-key-variable GROK_KEY --sample 50
    """
    from ftm_ray.cli.launch.compare import launch_compare
    from ftm_ray.cli.screens.comparison import show_comparison

    comparison = launch_compare(open_lake(root), quarter, options)
    if as_json:
        print_json(asdict(comparison))
    else:
        show_comparison(comparison, root)


@llm.command(short_help="Read names beside their sentences, worst first.")
@quarter_argument
@root_option
@click.option("--sample", type=click.IntRange(min=1), default=40, show_default=True, help="Names shown.")
@click.option("--worst", is_flag=True, help="The worst of all, instead of a sample that is the same each time.")
@click.option("--map", "map_id", metavar="ID", help="Of which map. [default: the published one, or the only one]")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="The page. [default: names-QUARTER.html, here]"
)
@json_option
def read(quarter: str, root: str, as_json: bool, **options: Any) -> None:
    """Read what the LLM called the topics of QUARTER, refused answers first, and write it as one HTML page.

    Numbers say whether a run may be published; whether its names are good is seen by reading some. Works for a run
    that was refused, too.

    \b
      ftm llm read 2023Q1 --root lake
      ftm llm read 2023Q1 --root lake --worst --sample 10 --out worst.html
    """
    from ftm_ray.cli.screens.names import show_names
    from ftm_ray.results.names_page import names_page
    from ftm_ray.results.names_read import read_names

    found = read_names(open_lake(root), quarter, options["sample"], options["worst"], options["map_id"])
    page = options["out"] or Path(f"names-{quarter}.html")
    write_page(page, names_page(found))
    if as_json:
        print_json(asdict(found) | {"page": str(page)})
    else:
        show_names(found, page)
