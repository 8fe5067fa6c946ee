"""The `ftm` command as the tests call it: in the same process, or in one of its own."""

import os
import subprocess
import sys

from click.testing import CliRunner

from ftm_ray.cli.main import cli

#: `ftm` in a process of its own. A shell that runs its tests in the background (`make test &`) has all its children
#: ignore SIGINT, and Python leaves it so; this one listens to Ctrl-C, as it does in a terminal.
FTM = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from ftm_ray.cli.main import main; main()",
]


def ftm(*arguments, columns=80):
    """Run the command as a person would, in a window of so many columns."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], env={"COLUMNS": str(columns)})


def start_ftm(*arguments, environment=None, stderr=subprocess.STDOUT, program=FTM):
    """Start the command in a process group of its own, so that a signal reaches what a terminal's Ctrl-C would.

    Without an environment it gets this process's, less the address of a cluster. Standard error joins standard output,
    unless it is subprocess.PIPE.
    """
    if environment is None:
        environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return subprocess.Popen(
        [*program, *(str(argument) for argument in arguments)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=environment | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )


def one_error_line(result):
    """The error of a command: one line on standard error, and nothing that looks like Python."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.rstrip().endswith(lines[0]), "more lines behind the error"
    return lines[0]
