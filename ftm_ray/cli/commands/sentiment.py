"""`ftm sentiment`: how the sentences of themes sound."""

from pathlib import Path
from typing import Any

import click

from ftm_ray.cli.options import config_option, json_option, print_json, quarter_argument, root_option, take_lock_option


@click.command(short_help="Say how the sentences of themes sound.")
@quarter_argument
@root_option
@click.option("--model", metavar="NAME|FOLDER", help="Sentiment classifier: a folder or a name that the hub knows.")
@click.option(
    "--lm", "word_list", type=click.Path(path_type=Path, dir_okay=False), help="Word list of Loughran and McDonald."
)
@click.option(
    "--precision", type=click.Choice(["auto", "bf16", "fp32"]), help="Arithmetic of the model. [default: auto]"
)
@config_option
@click.option("--workers", type=click.IntRange(min=1), help="Actors at work at once. [default: by the machine]")
@take_lock_option
@json_option
def sentiment(quarter: str, root: str, as_json: bool, **options: Any) -> None:
    """Say how each sentence of a theme of QUARTER sounds, and publish two tables under ROOT.

    The model is yours (FinBERT, for instance), and so is the word list; none is shipped. What the model said is kept,
    so the same command goes on where an earlier one stopped and never asks about a sentence twice. `ftm events` takes
    what is published here.

    \b
      ftm sentiment 2023Q1 --root lake --model ProsusAI/finbert
      ftm sentiment 2023Q1 --root lake --model models/finbert --lm Loughran-McDonald_MasterDictionary_1993-2024.csv
    """
    from ftm_ray.cli.launch.sentiment import launch_sentiment, sentiment_config
    from ftm_ray.cli.screens.sentiment import show_sentiment

    outcome = launch_sentiment(root, quarter, sentiment_config(options), options["take_lock"])
    if as_json:
        print_json({"already_done": outcome.already_done, "record": outcome.record})
    else:
        show_sentiment(outcome.record, root, outcome.already_done)
