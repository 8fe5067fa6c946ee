"""`ftm lineage`: themes over quarters. It does not start Ray."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ftm_ray.cli.options import Options, config_option, json_option, open_lake, print_json, root_option
from ftm_ray.errors import ConfigError

if TYPE_CHECKING:
    from ftm_ray.config import RunConfig


@click.command(short_help="Link quarters, or show a theme's life.")
@click.argument("what", nargs=-1, required=True, metavar="QUARTER... | THEME")
@root_option
@click.option("--over-gaps", is_flag=True, help="Link a quarter to one that is not the quarter before it.")
@click.option("--llm", metavar="none|URL", help="Who says whether an old name still fits. [default: none]")
@click.option("--llm-model", help="The model's name at the endpoint. [default: Qwen/Qwen3-8B]")
@config_option
@json_option
def lineage(what: tuple[str, ...], root: str, as_json: bool, **options: Any) -> None:
    """Link published quarters, so that themes have one id over time; or show the life of a theme.

    Rows are only added: a quarter that was published anew is linked again as a new version. A theme keeps its name
    while it stays near to what it was named for; beyond, the LLM at --llm says whether the name still fits, and
    without one it gets the name of its quarter (docs/lineage.md).

    \b
      ftm lineage 2023Q1 2023Q2 2023Q3 --root lake
      ftm lineage 2023Q4 --root lake --llm http://localhost:8000/v1 --llm-model Qwen/Qwen3-8B
      ftm lineage 2023Q3-0004 --root lake
      ftm lineage U2023Q1-0007 --root lake
    """
    from ftm_ray.lake.storage import check_quarter

    if any("-" in word for word in what):
        if len(what) > 1:
            raise ConfigError("one theme at a time, or quarters alone: got " + " ".join(what))
        _show_life(root, what[0], as_json)
        return
    from ftm_ray.cli.screens.lineage import show_steps
    from ftm_ray.run.lineage import extend_lineage

    quarters = [check_quarter(quarter) for quarter in what]
    steps = extend_lineage(open_lake(root).root, quarters, options["over_gaps"], _config(options))
    if as_json:
        print_json([asdict(step) for step in steps])
    else:
        show_steps(steps)


def _config(options: Options) -> "RunConfig":
    """The settings of the LLM that is asked; none where the flags and the file name no endpoint."""
    from ftm_ray.cli.launch.endpoint import checked_endpoint
    from ftm_ray.config import load_config

    config = load_config(options["config"], {"llm.endpoint": options["llm"], "llm.model": options["llm_model"]})
    if checked_endpoint(config.llm, "--llm").endpoint == "serve":
        raise ConfigError(
            "--llm serve: lineage serves no model itself; give none, or the URL of one that is up (`ftm llm status`)"
        )
    return config


def _show_life(root: str, theme: str, as_json: bool) -> None:
    from ftm_ray.cli.screens.lineage import show_life
    from ftm_ray.results.theme_life import theme_life

    life = theme_life(open_lake(root), theme)
    if as_json:
        print_json(asdict(life))
    else:
        show_life(life)
