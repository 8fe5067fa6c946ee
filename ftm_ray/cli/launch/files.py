"""`ftm prefetch --from files` between the command and the work: which files to read, and the progress of it."""

from collections.abc import Mapping

from ftm_ray.cli.options import Options
from ftm_ray.cli.progress import Step, shown_progress
from ftm_ray.cli.screens.shapes import error_console
from ftm_ray.errors import ConfigError
from ftm_ray.lake.storage import Lake
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import PrefetchReport, prefetch_quarter
from ftm_ray.sources.preview import Preview, preview_quarter


def files_settings(options: Options) -> FilesSettings:
    """Which files to read and how.

    Raises:
        ConfigError: No file is given, or a --column is not OURS=THEIRS.
    """
    if not options["paths"]:
        raise ConfigError("no transcripts given: say --path FILE, folder or glob, or --from wrds")
    pairs = [text.partition("=") for text in options["columns"]]
    wrong = [ours for ours, equals, theirs in pairs if not (ours and equals and theirs)]
    if wrong:
        raise ConfigError(f"--column {wrong[0]}: expected OURS=THEIRS, such as --column text=body")
    columns = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    return FilesSettings(tuple(options["paths"]), columns, options["ids"], options["links"], options["ignore_case"])


def preview_of_files(quarter: str, settings: FilesSettings) -> tuple[Preview, Mapping[str, Mapping[str, str]]]:
    """What a prefetch would store, with nothing written; and of each file which column is taken as what.

    Raises:
        FtmError: As `preview_quarter` does.
    """
    source = FilesSource(settings)
    with shown_progress(error_console()) as show:
        preview = preview_quarter(source, quarter, lambda stage, done, total: show(Step(stage, done, total, "firms")))
    return preview, {path: columns.by_ours for path, columns in source.columns.items()}


def prefetch_from_files(lake: Lake, quarter: str, settings: FilesSettings, take_lock: bool) -> PrefetchReport:
    """Bring a quarter in from files, with progress shown on standard error.

    Raises:
        FtmError: As `prefetch_quarter` does.
    """
    with shown_progress(error_console()) as show:
        return prefetch_quarter(
            lake,
            quarter,
            FilesSource(settings),
            lambda stage, done, total: show(Step(stage, done, total, "firms")),
            take_lock,
        )
