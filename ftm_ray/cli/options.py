"""Options that several commands have, and what each command does with ROOT and --json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ftm_ray.lake.storage import Lake

#: Options of one command as click hands them over, by name. A command turns them into settings before any work.
Options = Mapping[str, Any]


def _quarter(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    from ftm_ray.lake.storage import check_quarter

    return check_quarter(value)


quarter_argument = click.argument("quarter", callback=_quarter)
root_option = click.option("--root", required=True, help="Where everything lies: a folder or s3://bucket/prefix.")
take_lock_option = click.option("--take-lock", is_flag=True, help="Take over the lock that a dead run left.")
config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="TOML file with settings (docs/configuration.md)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def open_lake(root: str) -> "Lake":
    """The lake under ROOT."""
    from ftm_ray.lake.storage import Lake

    return Lake(root)


def print_json(value: Any) -> None:
    """Print a result for a script."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def write_page(path: Path, page: str) -> None:
    """Write a page for a person, here and not under ROOT.

    Raises:
        ConfigError: The file cannot be written.
    """
    from ftm_ray.errors import ConfigError

    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}; give another file with --out") from error
