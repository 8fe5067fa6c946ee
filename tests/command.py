"""The `ftm` command as the tests call it, in the same process."""

from click.testing import CliRunner

from ftm_ray.cli.main import cli


def ftm(*arguments, columns=80):
    """Run the command as a person would, in a window of so many columns."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], env={"COLUMNS": str(columns)})


def one_error_line(result):
    """The error of a command: one line on standard error, and nothing that looks like Python."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.rstrip().endswith(lines[0]), "more lines behind the error"
    return lines[0]
