"""Which LLM a run talks to: decided once, before anything is asked. The run itself is in tests/integration."""

from contextlib import contextmanager

import pytest
from llm_server import LlmServer, named

from ftm_ray.config import LlmSettings, NodeType, RunConfig, ServeSettings, llm_api_key
from ftm_ray.errors import ConfigError
from ftm_ray.naming import endpoint_health
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
    with endpoint.answering_llm(config, (), False, log, lambda _: None) as here:
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


def test_without_a_choice_the_model_is_served_only_where_a_gpu_may_come(served):
    """Also where none is there yet: a cluster begins with no worker."""
    may_come = (NodeType(name="gpu_spot", cpus=4, gpus=1, accelerator="L4", max_nodes=8),)
    log = RunLog()
    chosen = endpoint.with_endpoint(RunConfig(), may_come)
    with endpoint.answering_llm(chosen, may_come, False, log, lambda _: None) as here:
        assert here.llm.endpoint == log.endpoint == OWN
    with pytest.raises(ConfigError, match="no --llm was given"):
        endpoint.with_endpoint(RunConfig(), (NodeType(name="cpu", cpus=8),))
    keywords = RunConfig(llm=LlmSettings(endpoint="none"))
    assert endpoint.with_endpoint(keywords, may_come) == keywords


def test_names_wait_for_a_model_that_moves_to_another_node(served, monkeypatch):
    """As long as for the node, and a lone question no less than many."""
    config = RunConfig(llm=LlmSettings(endpoint="serve"))
    assert llm_of(config)[0].llm.patience_s == config.llm.patience_s  # embedded: no node will ever come
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    here = llm_of(config)[0].llm
    assert here.patience_s == config.cluster.patience_s > 600
    assert here.max_attempts > endpoint_health._FAILURES_UNTIL_DOWN
