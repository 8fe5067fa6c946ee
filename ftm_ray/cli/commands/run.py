"""`ftm run`: from transcripts to published themes."""

from pathlib import Path
from typing import Any

import click

from ftm_ray.cli.options import config_option, json_option, print_json, quarter_argument, root_option, take_lock_option


@click.command(short_help="Find topics and themes, and publish them.")
@quarter_argument
@root_option
@click.option("--llm", metavar="none|serve|URL", help="Who names topics. [default: serve, where a GPU is]")
@click.option("--llm-model", help="Model that is served, or its name at the endpoint. [default: Qwen/Qwen3-8B]")
@click.option("--keep-llm", is_flag=True, help="Leave the served model up for the next quarter (`ftm llm down`).")
@click.option("--support-model", metavar="NAME|FOLDER", help="NLI model that judges the LLM's names. [default: none]")
@config_option
@click.option("--workers", type=click.IntRange(min=1), help="Topic actors at work at once. [default: by the machine]")
@click.option("--keep-unlinked", is_flag=True, help="Keep firms without PERMNO where others have one.")
@click.option("--keep-vectors", is_flag=True, help="Publish the vectors of sentences for `ftm search`.")
@click.option(
    "--stability", type=click.Choice(["on", "off"]), help="Say how stable each theme is; off is faster. [default: on]"
)
@click.option("--prices", type=click.Path(path_type=Path), help="TOML file with prices of nodes, S3 and tokens.")
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
    from ftm_ray.cli.launch.run import launch_run, run_config
    from ftm_ray.cli.screens.run import show_run

    outcome = launch_run(root, quarter, run_config(options), options["keep_llm"], options["take_lock"])
    if as_json:
        print_json({"already_done": outcome.already_done, "record": outcome.record})
    else:
        show_run(outcome.record, root, outcome.already_done)
