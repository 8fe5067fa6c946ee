"""The `ftm` command: all commands in one group, with its errors, exit codes and log lines.

Standard output carries the result, as a screen or with --json as JSON; progress and errors go to standard error.
Exit codes: 0 done, 2 usage or configuration, 3 quality gate, 4 source or storage, 130 Ctrl-C, 143 SIGTERM.
"""

import logging
import sys
from typing import Any

import click

from ftm_ray.cli.commands.cluster import cluster
from ftm_ray.cli.commands.events import events
from ftm_ray.cli.commands.lineage import lineage
from ftm_ray.cli.commands.llm import llm
from ftm_ray.cli.commands.machine import doctor
from ftm_ray.cli.commands.plan import plan
from ftm_ray.cli.commands.prefetch import prefetch
from ftm_ray.cli.commands.quarters import run_quarters
from ftm_ray.cli.commands.report import report
from ftm_ray.cli.commands.results import sql, status, themes, trace, verify
from ftm_ray.cli.commands.run import run
from ftm_ray.cli.commands.search import search
from ftm_ray.cli.commands.sentiment import sentiment
from ftm_ray.cli.commands.submit import submit
from ftm_ray.cli.terminal import echo
from ftm_ray.cli.termination import end_like_ctrl_c, exit_of_interruption
from ftm_ray.errors import FtmError
from ftm_ray.version import __version__

#: All commands. A new one is written in a file of `commands/` and added here.
COMMANDS: tuple[click.Command, ...] = (
    *(prefetch, run, status, themes, trace, sql, verify, doctor, llm, cluster, events),
    *(run_quarters, submit, sentiment, lineage, report, search),
    plan,
)

logger = logging.getLogger("ftm_ray")


class FtmGroup(click.Group):
    """Turns our errors and Ctrl-C into one line and an exit code, for every command."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except FtmError as error:
            echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):  # Abort: Ctrl-C at a prompt
            echo("stopped; the same command goes on where this one stopped", err=True)
            ctx.exit(exit_of_interruption())


@click.group(
    cls=FtmGroup,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="ftm")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done in detail.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """Find the investment themes that many firms talk about in one quarter of earnings calls.

    \b
    The usual way, with a folder of transcripts in calls/:
      ftm prefetch 2023Q1 --path 'calls/*.parquet' --root lake
      ftm run 2023Q1 --root lake
      ftm themes 2023Q1 --root lake
      ftm trace 2023Q1-0001 --root lake
    """
    _configure_logging(verbose)
    end_like_ctrl_c(context)


class _StandardError(logging.Handler):
    """Log lines go where standard error is at that moment: above the bars while there are any."""

    def emit(self, record: logging.LogRecord) -> None:
        echo(self.format(record), err=True)


def _configure_logging(verbose: bool) -> None:
    """A job's log gets a line per stage; in a terminal the bars say the same, so only warnings are left."""
    usual = logging.WARNING if sys.stderr.isatty() else logging.INFO
    handler = _StandardError()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if verbose else usual)


main = cli  # the entry point of `ftm`
