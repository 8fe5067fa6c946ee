"""The question that a served model is tried with. Serving itself: tests/integration/test_serving.py, on real vLLM."""

import pytest
from llm_server import LlmServer, busy, completion, error, reset, truncated

from ftm_ray.serving.endpoint import answers, served_model


def test_a_model_answers_when_a_completion_has_come_back():
    with LlmServer(lambda *_: completion("Good", "length")) as server:
        assert answers(server.url, "tiny")
    (question,) = server.requests
    assert question["model"] == "tiny"
    assert question["max_tokens"] == 1
    assert not answers(server.url, "tiny")  # nobody is there any more


@pytest.mark.parametrize(
    "reply", [busy(), error(500), reset(), truncated(), (200, "<html>", {}), (200, {"choices": []}, {}), (200, [], {})]
)
def test_anything_else_is_no_answer_yet(reply):
    with LlmServer(lambda *_: reply) as server:
        assert not answers(server.url, "tiny")
        assert served_model(server.url) is None


def test_the_question_goes_past_a_proxy_of_the_environment(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with LlmServer(lambda *_: completion("Good")) as server:
        assert answers(server.url, "tiny")
