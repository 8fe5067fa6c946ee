"""`ftm lineage`: themes over quarters. It does not start Ray."""

from dataclasses import asdict

import click

from ftm_ray.cli.options import json_option, open_lake, print_json, root_option
from ftm_ray.errors import ConfigError


@click.command(short_help="Link quarters, or show a theme's life.")
@click.argument("what", nargs=-1, required=True, metavar="QUARTER... | THEME")
@root_option
@click.option("--over-gaps", is_flag=True, help="Link a quarter to one that is not the quarter before it.")
@json_option
def lineage(what: tuple[str, ...], root: str, over_gaps: bool, as_json: bool) -> None:
    """Link published quarters, so that themes have one id over time; or show the life of a theme.

    Rows are only added: a quarter that was published anew is linked again as a new version (docs/lineage.md).

    \b
      ftm lineage 2023Q1 2023Q2 2023Q3 --root lake
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

    steps = extend_lineage(open_lake(root).root, [check_quarter(quarter) for quarter in what], over_gaps)
    if as_json:
        print_json([asdict(step) for step in steps])
    else:
        show_steps(steps)


def _show_life(root: str, theme: str, as_json: bool) -> None:
    from ftm_ray.cli.screens.lineage import show_life
    from ftm_ray.results.theme_life import theme_life

    life = theme_life(open_lake(root), theme)
    if as_json:
        print_json(asdict(life))
    else:
        show_life(life)
