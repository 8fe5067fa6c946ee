"""`ftm prefetch --from wrds` between the command and the work: what is asked of WRDS, the login, and the fetch.

People are only spoken to here: who logs in, the password where none is stored, and that a push is on its way.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from ftm_ray.cli.options import Options
from ftm_ray.cli.progress import Step, shown_progress
from ftm_ray.cli.screens.shapes import error_console
from ftm_ray.cli.terminal import echo
from ftm_ray.environment import postgres_user
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.locks import QuarterLock, quarter_lock
from ftm_ray.lake.storage import Lake
from ftm_ray.sources.prefetch import PrefetchReport, is_prefetched, prefetch_quarter, prefetch_under
from ftm_ray.sources.wrds.calls import (
    SCHEMAS,
    CallSummary,
    WrdsSettings,
    read_firm_list,
    summarise_calls,
)
from ftm_ray.sources.wrds.fetch import FetchStep, fetch_quarter, is_fetched, is_same_request, list_calls, read_calls
from ftm_ray.sources.wrds.source import WrdsSource

if TYPE_CHECKING:
    from ftm_ray.sources.wrds.database import WrdsDatabase


def wrds_settings(options: Options) -> WrdsSettings:
    """What is asked of WRDS.

    Raises:
        ConfigError: A --schema is not one of ours, or the list of --firms cannot be read.
    """
    return WrdsSettings(
        as_of=options["as_of"].date() if options["as_of"] else None,
        keep_unlinked=options["keep_unlinked"],
        firms=read_firm_list(options["firms"]) if options["firms"] else None,
        limit=options["limit"],
        schemas=_schemas(options["schemas"]),
    )


def _schemas(arguments: Sequence[str]) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in arguments]
    for name, _, schema in pairs:
        if name not in SCHEMAS or not schema:
            raise ConfigError(f"--schema {name}={schema}: expected one of {', '.join(SCHEMAS)}, = and a schema of WRDS")
    return {**SCHEMAS, **{name: schema for name, _, schema in pairs}}


def prefetch_from_wrds(lake: Lake, quarter: str, settings: WrdsSettings, take_lock: bool) -> PrefetchReport:
    """Fetch the quarter's calls from WRDS where they are not in the lake yet, and make the store from them.

    One lock is held from the first to the last file: of two that fetch at once, one would delete the other's parts.

    Raises:
        ConfigError: psycopg is not installed, or the schemas are not there.
        SourceError: WRDS cannot be reached, refuses, or has nothing to read; or somebody else works on the quarter.
    """
    source = WrdsSource(lake, settings)
    if is_prefetched(lake, quarter, source):  # also where the fetched text was deleted since
        return prefetch_quarter(lake, quarter, source, lambda *_: None)
    with quarter_lock(lake, quarter, "prefetch", take_lock) as lock:
        if not is_fetched(lake, quarter, settings):  # a login may cost the user a push
            _fetch(lock, lake, quarter, settings)
        with shown_progress(error_console()) as show:
            return prefetch_under(
                lock, lake, quarter, source, lambda stage, done, total: show(Step(stage, done, total, "firms"))
            )


def _fetch(lock: QuarterLock, lake: Lake, quarter: str, settings: WrdsSettings) -> None:
    with _logged_in(settings) as database, shown_progress(error_console()) as show:

        def watched(step: FetchStep) -> None:
            lock.check()
            show(_shown(step))

        lock.check()  # the login may have waited for a person for long
        fetch_quarter(lake, quarter, settings, database, watched)


def dry_run(quarter: str, settings: WrdsSettings) -> tuple[CallSummary, int]:
    """What WRDS lists for a quarter, and the rows that a fetch would bring; nothing is fetched and nothing written.

    Raises:
        ConfigError, SourceError: As `prefetch_from_wrds`.
    """
    with _logged_in(settings) as database:
        calls = list_calls(database, quarter, settings)
        n_rows = database.n_turns([call.transcriptid for call in calls if call.left_out is None])
    return summarise_calls(calls), n_rows


def fetched_calls(lake: Lake, quarter: str, settings: WrdsSettings) -> CallSummary | None:
    """What WRDS listed for this request; None where another request was fetched since, or the fetch was deleted."""
    if not is_same_request(lake, quarter, settings):
        return None
    return summarise_calls(read_calls(lake, quarter))


def _logged_in(settings: WrdsSettings) -> "WrdsDatabase":
    """A connection that may read everything that is needed; asks for user and password only where a person sits."""
    try:
        from ftm_ray.sources.wrds.database import connect
    except ImportError as error:
        raise ConfigError(
            f"--from wrds needs psycopg ({error}); install it with: pip install -c constraints.txt -e '.[wrds]'"
        ) from error
    has_person = sys.stdin.isatty()
    user = postgres_user() or (click.prompt("WRDS user name", err=True) if has_person else None)
    if not user:
        raise SourceError("no WRDS user name; set PGUSER, or run the command in a terminal, where it is asked for")
    echo("Logging in to WRDS. Approve the Duo push if your phone shows one.", err=True)
    database = connect(user, settings.schemas, _ask_password if has_person else None)
    try:
        no_titles = database.check_readable()
    except BaseException:
        database.close()
        raise
    if no_titles:
        echo(
            f"Without titles of people ({no_titles}): executives become CEO or CFO only where their title stands "
            "behind the name.",
            err=True,
        )
    return database


def _ask_password() -> str:
    return str(click.prompt("WRDS password", hide_input=True, err=True))


def _shown(step: FetchStep) -> Step:
    rate = f", {step.n_rows / step.elapsed_s:,.0f} rows/s" if step.n_rows and step.elapsed_s > 1 else ""
    return Step("fetching from WRDS", step.n_firms, step.n_firms_total, "firms", f"{step.n_rows:,} rows{rate}")
