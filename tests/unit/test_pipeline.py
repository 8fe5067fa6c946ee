"""Which LLM a run talks to: decided once, before anything is asked. The run itself is in tests/integration."""

from contextlib import contextmanager

import pytest

from ftm_ray import pipeline
from ftm_ray.config import LlmSettings, RunConfig, llm_api_key
from ftm_ray.records import RunLog

OWN = "http://10.0.0.1:8000/v1"


@pytest.fixture
def served(monkeypatch):
    """A cluster that serves the model at once."""

    @contextmanager
    def at_once(*_):
        yield OWN

    monkeypatch.setattr(pipeline, "served", at_once)


def test_the_key_of_another_endpoint_is_not_sent_to_our_own_model(served, monkeypatch):
    monkeypatch.setenv("FTM_LLM_API_KEY", "sk-for-others")
    config = RunConfig(llm=LlmSettings(endpoint="serve"))
    with pipeline._llm(config, False, RunLog(), lambda _: None) as here:
        assert (here.llm.endpoint, here.llm.use_proxy) == (OWN, False)
        assert llm_api_key(here.llm) == "none"
