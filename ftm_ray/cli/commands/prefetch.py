"""`ftm prefetch`: transcripts come into ROOT, from files or from WRDS."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ftm_ray.cli.options import (
    Options,
    json_option,
    open_lake,
    print_json,
    quarter_argument,
    root_option,
    take_lock_option,
)
from ftm_ray.errors import ConfigError

if TYPE_CHECKING:
    from ftm_ray.sources.prefetch import PrefetchReport


class FilesOption(click.Option):
    """An option that only --from files takes."""


class WrdsOption(click.Option):
    """An option that only --from wrds takes."""


_files_option = partial(click.option, cls=FilesOption)
_wrds_option = partial(click.option, cls=WrdsOption)


@click.command(short_help="Bring transcripts into ROOT, cleaned and checked.")
@quarter_argument
@root_option
@click.option("--from", "source", type=click.Choice(["files", "wrds"]), default="files", show_default=True)
@_files_option("--path", "paths", multiple=True, help="Files: file, folder or glob; may be given again.")
@_files_option("--ids", help="Files: only these transcript ids; a JSON list, or ids.json:KEY for one inside an object.")
@_files_option("--links", help="Files: CSV or Parquet with firm_id, permno, gvkey: links firms to stocks.")
@_files_option("--ignore-case", is_flag=True, help="Files: ids of calls and links are compared without case.")
@_files_option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Files: names a column; repeatable.")
@_wrds_option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="WRDS: no transcript version after it."
)
@_wrds_option("--keep-unlinked", is_flag=True, help="WRDS: also fetch firms without PERMNO.")
@_wrds_option("--firms", metavar="FILE", help="WRDS: only these; first line companyid, gvkey or permno, then values.")
@_wrds_option("--limit", type=click.IntRange(min=1), help="WRDS: only the first firms, so many.")
@click.option("--dry-run", is_flag=True, help="Write nothing: show what is recognised, or what WRDS lists.")
@_wrds_option("--schema", "schemas", multiple=True, metavar="OURS=THEIRS", help="WRDS: where tables lie; repeatable.")
@take_lock_option
@json_option
def prefetch(quarter: str, root: str, source: str, as_json: bool, **options: Any) -> None:
    """Bring the transcripts of QUARTER into ROOT, cleaned and checked, and report the coverage.

    From files: Parquet, CSV or JSON Lines, one row per call or per speaker turn. Columns with usual names are
    recognised (docs/own-files.md). From WRDS: Capital IQ transcripts with their links; user and password come from
    PGUSER and ~/.pgpass or are asked for, and never stand in a command (docs/wrds.md).

    \b
      ftm prefetch 2023Q1 --path 'calls/*.parquet' --root lake
      ftm prefetch 2023Q1 --path calls.csv --column text=body --links links.csv --root s3://bucket/ftm
      ftm prefetch 2023Q1 --from wrds --root s3://bucket/ftm
    """
    _refuse_options_of_the_other_source(source)
    if source == "files" and options["dry_run"]:
        _preview_files(quarter, options, as_json)
    elif source == "files":
        _prefetch_files(quarter, root, options, as_json)
    elif options["dry_run"]:
        _dry_run(quarter, options, as_json)
    else:
        _prefetch_wrds(quarter, root, options, as_json)


def _refuse_options_of_the_other_source(source: str) -> None:
    context = click.get_current_context()
    other = WrdsOption if source == "files" else FilesOption
    for option in context.command.params:
        if isinstance(option, other) and context.params[str(option.name)]:
            flag = option.opts[0]
            if source == "files":
                raise ConfigError(f"{flag} is for --from wrds; files are read with --path")
            raise ConfigError(f"{flag} is for files; with --from wrds the calls and links come from WRDS")


def _prefetch_files(quarter: str, root: str, options: Options, as_json: bool) -> None:
    from ftm_ray.cli.launch.files import files_settings, prefetch_from_files
    from ftm_ray.cli.screens.prefetch import show_prefetch

    report = prefetch_from_files(open_lake(root), quarter, files_settings(options), options["take_lock"])
    if as_json:
        print_json(_without_batches(report))
    else:
        show_prefetch(report, root)


def _preview_files(quarter: str, options: Options, as_json: bool) -> None:
    from ftm_ray.cli.launch.files import files_settings, preview_of_files
    from ftm_ray.cli.screens.preview import show_preview

    preview, columns = preview_of_files(quarter, files_settings(options))
    if as_json:
        print_json(asdict(preview) | {"columns": columns})
    else:
        show_preview(preview, columns)


def _prefetch_wrds(quarter: str, root: str, options: Options, as_json: bool) -> None:
    from ftm_ray.cli.launch.wrds import fetched_calls, prefetch_from_wrds, wrds_settings
    from ftm_ray.cli.screens.prefetch import show_listed_calls, show_prefetch

    lake, settings = open_lake(root), wrds_settings(options)
    report = prefetch_from_wrds(lake, quarter, settings, options["take_lock"])
    listed = fetched_calls(lake, quarter, settings)
    if as_json:
        print_json(_without_batches(report) | ({"wrds": asdict(listed)} if listed else {}))
        return
    if listed:
        show_listed_calls(quarter, listed)
    show_prefetch(report, root)


def _dry_run(quarter: str, options: Options, as_json: bool) -> None:
    from ftm_ray.cli.launch.wrds import dry_run, wrds_settings
    from ftm_ray.cli.screens.prefetch import show_listed_calls

    listed, n_rows = dry_run(quarter, wrds_settings(options))
    if as_json:
        print_json(asdict(listed) | {"n_rows": n_rows})
    else:
        show_listed_calls(quarter, listed, n_rows)


def _without_batches(report: "PrefetchReport") -> dict[str, Any]:
    """The report for a script; where each firm lies in the store is no news to it."""
    values = asdict(report)
    del values["manifest"]["batches"]
    return values
