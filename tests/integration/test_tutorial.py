"""The commands of the tutorial, in their order, as a reader types them."""

import re
import shlex
from pathlib import Path

import pytest
from command import ftm
from sample import SAMPLE

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


@pytest.mark.chaos  # make demo types the same
def test_its_commands_run(ray_cluster, tmp_path, monkeypatch):
    (tmp_path / "ftm_ray").mkdir()
    (tmp_path / "ftm_ray" / "sample_calls").symlink_to(SAMPLE)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```bash\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("ftm ")]
    assert {shlex.split(line)[1] for line in commands} == {"prefetch", "run", "themes", "trace", "sql", "verify"}
    for line in commands:
        result = ftm(*shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}\n{result.output}"
        assert result.stdout.strip(), line
