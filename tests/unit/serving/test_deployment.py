"""Commands about a served model without a cluster.

No Ray starts. Serving itself is tested on real vLLM: tests/integration/test_serving.py.
"""

import pytest
from command import ftm, one_error_line


@pytest.mark.parametrize("command", ["up", "status", "down"])
def test_a_model_cannot_stand_by_without_a_cluster(command, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    result = ftm("llm", command)
    assert result.exit_code == 2
    assert "`ray start --head`" in one_error_line(result)


@pytest.mark.parametrize("command", ["up", "status", "down"])
def test_a_command_explains_itself_with_an_example(command):
    result = ftm("llm", command, "--help")
    assert result.exit_code == 0
    assert f"    ftm llm {command}" in result.stdout
