"""What surrounds a served model: the question it is tried with, its errors, and commands without a cluster.

No Ray starts. Serving itself is tested on real vLLM: tests/integration/test_serving.py.
"""

import pytest
from command import ftm, one_error_line
from llm_server import LlmServer, busy, completion, error, reset, truncated

from ftm_ray.serving.deployment import _answers, _last_line, _served_model


def test_a_model_answers_when_a_completion_has_come_back():
    with LlmServer(lambda *_: completion("Good", "length")) as server:
        assert _answers(server.url, "tiny")
    (question,) = server.requests
    assert question["model"] == "tiny"
    assert question["max_tokens"] == 1
    assert not _answers(server.url, "tiny")  # nobody is there any more


@pytest.mark.parametrize(
    "reply", [busy(), error(500), reset(), truncated(), (200, "<html>", {}), (200, {"choices": []}, {}), (200, [], {})]
)
def test_anything_else_is_no_answer_yet(reply):
    with LlmServer(lambda *_: reply) as server:
        assert not _answers(server.url, "tiny")
        assert _served_model(server.url) is None


def test_the_question_goes_past_a_proxy_of_the_environment(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with LlmServer(lambda *_: completion("Good")) as server:
        assert _answers(server.url, "tiny")


def test_errors_are_told_without_python():
    told = "Traceback (most recent call last):\n  File x\nRuntimeError: torch.OutOfMemoryError: CUDA out of memory\n\n"
    assert _last_line(told) == "CUDA out of memory"
    assert _last_line("Value: 3 Error: 4") == "Value: 3 Error: 4"
    assert _last_line(" \n") == "Ray gives no reason"


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
