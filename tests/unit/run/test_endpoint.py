"""Which LLM a run talks to: decided once, before anything is asked. The run itself is in tests/integration."""

from contextlib import contextmanager

import pytest
from llm_server import LlmServer, named

from ftm_ray.config import LlmSettings, RunConfig, ServeSettings, llm_api_key
from ftm_ray.errors import ConfigError
from ftm_ray.naming.namer import Namer
from ftm_ray.naming.tokens import EstimatedTokens, ModelTokenizer, token_counter
from ftm_ray.run import endpoint
from ftm_ray.run.record import RunLog

OWN = "http://10.0.0.1:8000/v1"


@pytest.fixture
def served(monkeypatch):
    """A cluster that serves the model at once."""

    @contextmanager
    def at_once(*_):
        yield OWN

    monkeypatch.setattr(endpoint, "served", at_once)


@pytest.fixture(autouse=True)
def fresh():
    """Counters are kept for the life of a process; each test starts without."""
    token_counter.cache_clear()


def llm_of(config):
    """The configuration with the LLM that answers, and what run.json says of its tokenizer."""
    log = RunLog()
    with endpoint.answering_llm(config, False, False, log, lambda _: None) as here:
        return here, log.tokenizer


def counter_in_an_actor(config):
    token_counter.cache_clear()  # another process
    return Namer(config.llm, "none", answers=None).counter


def test_the_key_of_another_endpoint_is_not_sent_to_our_own_model(served, monkeypatch):
    monkeypatch.setenv("FTM_LLM_API_KEY", "sk-for-others")
    config = RunConfig(llm=LlmSettings(endpoint="serve"))
    here, _ = llm_of(config)
    assert (here.llm.endpoint, here.llm.use_proxy) == (OWN, False)
    assert llm_api_key(here.llm) == "none"


def test_the_tokenizer_of_the_served_weights_counts(served, tokenizer_folder):
    serve = ServeSettings(model_source=str(tokenizer_folder))
    here, told = llm_of(RunConfig(llm=LlmSettings(endpoint="serve"), serve=serve))
    assert told == str(tokenizer_folder)
    assert isinstance(counter_in_an_actor(here), ModelTokenizer)


def test_a_tokenizer_that_cannot_be_had_is_told_once_by_the_driver_and_by_no_actor(served, caplog):
    here, told = llm_of(RunConfig(llm=LlmSettings(endpoint="serve", model="nobody/no-such-model")))
    assert told is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "nobody/no-such-model" in caplog.text
    caplog.clear()
    assert isinstance(counter_in_an_actor(here), EstimatedTokens)
    assert caplog.text == ""


def test_a_tokenizer_that_the_driver_could_not_have_is_used_by_no_actor(served, tmp_path, tokenizer_folder):
    """Else topics would be counted and themes estimated, and run.json would be wrong."""
    folder = tmp_path / "later"
    folder.mkdir()
    here, told = llm_of(RunConfig(llm=LlmSettings(endpoint="serve", tokenizer=str(folder))))
    (folder / "tokenizer.json").write_bytes((tokenizer_folder / "tokenizer.json").read_bytes())
    assert told is None
    assert isinstance(counter_in_an_actor(here), EstimatedTokens)


def test_who_wants_an_estimate_gets_it_without_a_warning(tokenizer_folder, caplog):
    llm = LlmSettings(model="grok-4", tokenizer=str(tokenizer_folder), estimate_tokens=True)
    with LlmServer(lambda *_: named("Hello", "Words.")) as server:
        here, told = llm_of(RunConfig(llm=llm.model_copy(update={"endpoint": server.url})))
    assert told is None
    assert isinstance(counter_in_an_actor(here), EstimatedTokens)
    assert caplog.text == ""


def test_how_tokens_are_counted_does_not_change_which_answers_are_known(served):
    """A closed model's answers were paid for, whatever the driver finds out about its tokenizer."""
    config = RunConfig(llm=LlmSettings(endpoint="serve", model="grok-4"))
    here, _ = llm_of(config)
    assert here.model_variant() == config.model_variant()


def test_without_a_choice_the_model_is_served_only_where_a_gpu_is(served):
    log = RunLog()
    with endpoint.answering_llm(RunConfig(), True, False, log, lambda _: None) as here:
        assert here.llm.endpoint == log.endpoint == OWN
    with (
        pytest.raises(ConfigError, match="no --llm was given"),
        endpoint.answering_llm(RunConfig(), False, False, RunLog(), lambda _: None),
    ):
        pass
