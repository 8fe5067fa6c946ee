"""What all commands of `ftm` have in common: help, exit codes, one line of error, and a quick start."""

import subprocess
import sys

import pytest
from command import ftm, one_error_line
from invented import QUARTER

from ftm_ray.cli.main import cli

# --- all commands --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_explains_itself_with_an_example(command):
    result = ftm(command, "--help")
    assert result.exit_code == 0
    assert f"    ftm {command} " in result.stdout


@pytest.mark.parametrize("command", ["run", "status", "themes", "verify"])
def test_a_quarter_must_read_like_one(command, tmp_path):
    result = ftm(command, "2024-Q1", "--root", tmp_path)
    assert result.exit_code == 2
    assert "such as 2023Q1" in one_error_line(result)


@pytest.mark.parametrize("command", ["run", "status", "themes", "verify"])
def test_a_root_without_the_quarter_says_what_to_run_first(command, tmp_path):
    result = ftm(command, QUARTER, "--root", tmp_path / "nothing")
    assert result.exit_code == 4
    assert f"`ftm {'prefetch' if command in ('run', 'status') else 'run'} {QUARTER}" in one_error_line(result)


def test_help_and_results_load_no_heavy_library():
    modules = (
        "ftm_ray.cli.main, ftm_ray.cli.screens.themes, ftm_ray.results.theme_trace, ftm_ray.results.verify.quarter"
    )
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"ray", "torch", "umap", "bertopic", "openai", "sklearn"} & set(loaded)


def test_ctrl_c_says_that_the_same_command_goes_on(monkeypatch, tmp_path):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", stopped)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr
