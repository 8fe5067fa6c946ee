"""Options that several commands have, and what each command does with ROOT and --json."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ftm_ray.cli.terminal import visible_json
from ftm_ray.errors import ConfigError

if TYPE_CHECKING:
    from ftm_ray.lake.storage import Lake

#: Options of one command as click hands them over, by name. A command turns them into settings before any work.
Options = Mapping[str, Any]


def _quarter(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    from ftm_ray.lake.storage import check_quarter

    return check_quarter(value)


def quarters_callback(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """2023Q1, 2023Q1,2023Q3 or 2023Q1..2024Q4, as a tuple."""
    from ftm_ray.lake.calendar import quarter_name, quarter_number
    from ftm_ray.lake.storage import check_quarter

    found: list[str] = []
    for part in value.split(","):
        first, _, last = part.strip().partition("..")
        check_quarter(first)
        numbers = [quarter_number(quarter) for quarter in (first, check_quarter(last or first))]
        if numbers[1] < numbers[0]:
            raise ConfigError(f"'{part}' ends before it starts")
        found += [quarter_name(number) for number in range(numbers[0], numbers[1] + 1)]
    return tuple(dict.fromkeys(found))


def options_of(command: click.Command, without: Collection[str]) -> list[click.Parameter]:
    """The options of another command, for one that does the same elsewhere or several times."""
    return [option for option in command.params if isinstance(option, click.Option) and option.name not in without]


def as_arguments(options: Iterable[click.Parameter], values: Options) -> list[str]:
    """Values that click has read, written again as a command line takes them; what was not given is left out."""
    words: list[str] = []
    for option in options:
        value = values[str(option.name)]
        if value is True:
            words.append(option.opts[0])
        elif value not in (None, False):
            words += [option.opts[0], str(value)]
    return words


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
    click.echo(visible_json(json.dumps(value, indent=1, ensure_ascii=False, default=str)))


def write_page(path: Path, page: str) -> None:
    """Write a page for a person, here and not under ROOT.

    Raises:
        ConfigError: The file cannot be written.
    """
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}; give another file with --out") from error
