"""`ftm submit` and `ftm run-quarters`: what is said without a cluster, and which flags a job gets."""

import pytest
from command import ftm, one_error_line

from ftm_ray.cli.commands.run import run
from ftm_ray.cli.options import as_arguments, options_of


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--follow", "--no-wait"), "--follow and --no-wait exclude one another"),
        (("--address", "localhost:6379"), "expected the URL of the head's dashboard"),
        (("--llm", "gpt"), "expected none, serve, or a URL"),
    ],
)
def test_wrong_flags_are_told_without_asking_a_cluster(tmp_path, flags, said, monkeypatch):
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "")  # the command sets it; afterwards it is what it was
    result = ftm("submit", "2024Q1", "--root", tmp_path, *flags)
    assert result.exit_code == 2
    assert said in one_error_line(result)


@pytest.mark.parametrize("command", ["submit", "run-quarters"])
def test_a_range_that_ends_before_it_starts_is_a_usage_error(tmp_path, command):
    result = ftm(command, "2024Q2..2024Q1", "--root", tmp_path)
    assert result.exit_code == 2
    assert "ends before it starts" in one_error_line(result)


def test_the_flags_that_were_given_are_written_again_for_the_job():
    given = ["--llm", "http://host:8000/v1", "--workers", "3", "--take-lock"]
    context = run.make_context("run", ["2024Q1", "--root", "lake", *given])
    assert as_arguments(options_of(run, without={"root", "as_json"}), context.params) == given
