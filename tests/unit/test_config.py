"""One configuration: what is refused, in which words, and what decides the identity of a run."""

import pytest
from pydantic import ValidationError

from ftm_ray.config import LlmSettings, RunConfig, llm_api_key, load_config
from ftm_ray.errors import ConfigError


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "run.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def message_of(path=None, **overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(path, {key.replace("__", "."): value for key, value in overrides.items()})
    return str(caught.value)


def test_file_and_flags_are_joined_and_flags_win(toml):
    path = toml("workers = 3\n[topics]\nmin_cluster_size = 9\nn_neighbors = 20\n")
    config = load_config(path, {"topics.min_cluster_size": 12, "llm.endpoint": "serve"})
    assert (config.workers, config.topics.min_cluster_size, config.topics.n_neighbors) == (3, 12, 20)
    assert config.llm.endpoint == "serve"


def test_flags_that_were_not_given_leave_the_file_alone(toml):
    config = load_config(toml("workers = 3\n[llm]\nendpoint = 'serve'\n"), {"workers": None, "llm.endpoint": None})
    assert (config.workers, config.llm.endpoint) == (3, "serve")


def test_a_saved_configuration_gives_the_same_one_again():
    config = load_config(None, {"themes.min_cluster_size": 5, "keep_unlinked": True})
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("worker = 3", "worker"),
        ("[topics]\nmin_clustersize = 5", "topics.min_clustersize"),
        ("[topic]\nmin_cluster_size = 5", "topic"),
        ("[llm]\napi_key = 'secret'", "llm.api_key"),
    ],
)
def test_unknown_keys_are_refused_by_name(toml, text, key):
    message = message_of(toml(text))
    assert f"unknown key '{key}'" in message
    assert "run.toml" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("workers", 0),
        ("topics.n_neighbors", 1),
        ("topics.min_dist", 1.5),
        ("topics.min_dist", float("nan")),
        ("topics.cluster_selection_method", "kmeans"),
        ("topics.small_firm_sentences", 3),
        ("themes.min_firms", 1),
        ("themes.max_firm_ratio", "40 %"),
        ("gates.min_llm_ratio", -0.1),
        ("embed.precision", "fp8"),
        ("llm.timeout_s", 0),
        ("llm.patience_s", -1),
        ("llm.max_prompt_tokens", 100),
        ("serve.preset", "40gb"),
        ("serve.quantization", "int4"),
        ("serve.gpus_per_replica", 1.5),
        ("serve.gpu_memory_ratio", 0),
        ("serve.port", 70000),
    ],
)
def test_bad_values_are_refused_in_one_line_with_key_and_value(key, value):
    message = message_of(**{key: value})
    assert f"{key}: " in message
    assert f"(got {value!r})" in message
    assert "\n" not in message


@pytest.mark.parametrize("overrides", [{}, {"topics.n_neighbors": 20}])
def test_a_value_in_the_place_of_a_table_is_refused(toml, overrides):
    with pytest.raises(ConfigError, match="topics: .*valid dictionary"):
        load_config(toml("topics = 5"), overrides)


def test_missing_and_unreadable_files_are_named(tmp_path, toml):
    assert str(tmp_path / "none.toml") in message_of(tmp_path / "none.toml")
    assert "Is a directory" in message_of(tmp_path)
    for broken in ("topics = [", "[topics]\nmin_dist = 0.1\nmin_dist = 0.2", b"\xff\xfe"):
        assert "is not valid TOML" in message_of(toml(broken))


def test_settings_cannot_be_changed_after_they_were_checked():
    config = RunConfig()
    with pytest.raises(ValidationError):
        config.topics.min_cluster_size = 0


def test_who_names_is_open_until_the_cluster_is_seen():
    """Null is neither the keywords nor a served model: the run decides, and says so."""
    assert RunConfig().llm.endpoint is None
    assert RunConfig().for_map() == load_config(None, {"llm.endpoint": "serve"}).for_map()
    assert RunConfig().for_map() != load_config(None, {"llm.endpoint": "none"}).for_map()


def test_a_served_model_has_at_least_as_many_copies_under_load_as_at_rest():
    assert load_config(None, {"serve.min_replicas": 2, "serve.max_replicas": 2}).serve.max_replicas == 2
    with pytest.raises(ConfigError, match="serve: max_replicas must not be below min_replicas"):
        load_config(None, {"serve.min_replicas": 3, "serve.max_replicas": 2})


@pytest.mark.parametrize("share", [None, 1])
def test_a_model_over_several_cards_needs_whole_ones(share):
    load_config(None, {"serve.tensor_parallel": 2, "serve.gpus_per_replica": share})
    with pytest.raises(ConfigError, match="tensor_parallel needs whole cards"):
        load_config(None, {"serve.tensor_parallel": 2, "serve.gpus_per_replica": 0.5})


@pytest.mark.parametrize(
    "change",
    [
        {"embed.precision": "bf16"},
        {"topics.random_state": 1},
        {"topics.boilerplate": "rules"},
        {"llm.endpoint": "none"},
        {"llm.model": "other"},
        {"llm.max_tokens": 100},
        {"llm.max_prompt_tokens": 500},
        {"serve.quantization": "fp8"},
        {"serve.model_source": "/models/other"},
        {"serve.load_format": "dummy"},
        {"llm.tokenizer": "/models/other"},
        {"keep_unlinked": True},
        {"keep_vectors": True},
    ],
    ids=str,
)
def test_what_changes_topics_changes_the_identity_of_the_map(change):
    assert load_config(None, change).for_map() != RunConfig().for_map()
    assert load_config(None, change).for_run() != RunConfig().for_run()


@pytest.mark.parametrize("change", [{"themes.min_cluster_size": 5}, {"gates.max_failed_ratio": 0.5}])
def test_theme_and_gate_settings_change_the_run_but_not_the_map(change):
    assert load_config(None, change).for_map() == RunConfig().for_map()
    assert load_config(None, change).for_run() != RunConfig().for_run()


@pytest.mark.parametrize(
    "change",
    [
        {"workers": 7},
        {"llm.timeout_s": 5.0},
        {"llm.max_concurrency": 2},
        {"llm.max_attempts": 9},
        {"llm.api_key_variable": "X"},
        {"llm.patience_s": 1.0},
        {"llm.use_proxy": False},
        {"llm.endpoint": "http://one/v1"},
        {"serve.preset": "80gb"},
        {"serve.max_replicas": 4},
        {"serve.port": 9000},
    ],
    ids=str,
)
def test_how_fast_and_how_patiently_changes_nothing(change):
    assert load_config(None, change).for_run() == RunConfig().for_run()


def test_every_table_of_the_configuration_counts_in_the_identity():
    tables = {name for name, value in RunConfig() if hasattr(value, "model_dump")}
    elsewhere = {"serve", "cluster", "sentiment", "cost", "notify"}  # where work is done, its cost, what comes after
    assert tables - elsewhere <= RunConfig().for_run().keys()


def test_the_key_is_read_when_asked_for_and_is_no_part_of_the_configuration(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-123")
    settings = LlmSettings(api_key_variable="MY_KEY")
    assert llm_api_key(settings) == "sk-123"
    assert "sk-123" not in RunConfig(llm=settings).model_dump_json()
    monkeypatch.delenv("MY_KEY")
    assert llm_api_key(settings) == "none"


def test_the_key_is_not_read_for_the_clusters_own_model(monkeypatch):
    monkeypatch.setenv("FTM_LLM_API_KEY", "sk-for-others")
    own = LlmSettings(endpoint="serve").served_at("http://10.0.0.1:8000/v1")
    assert llm_api_key(own) == "none"
    assert (own.endpoint, own.use_proxy) == ("http://10.0.0.1:8000/v1", False)


@pytest.mark.parametrize(
    ("text", "key"), [("sk-123\n", "sk-123"), ("  sk-123\r\n", "sk-123"), ("", "none"), (" \n", "none")]
)
def test_blanks_around_a_key_are_no_part_of_it(monkeypatch, text, key):
    """A key from a file ends with a line break, which no HTTP header can hold; an empty one is none."""
    monkeypatch.setenv("FTM_LLM_API_KEY", text)
    assert llm_api_key(LlmSettings()) == key


@pytest.mark.parametrize("text", ["sk 123", "sk-\n123", "sk-\u00e9", "sk-\x00123", "sk-\t123"])
def test_a_key_that_no_header_can_hold_is_refused_by_its_variable_and_not_repeated(monkeypatch, text):
    monkeypatch.setattr("os.environ", {"FTM_LLM_API_KEY": text})  # the real one takes no NUL
    with pytest.raises(ConfigError, match="the key in FTM_LLM_API_KEY") as caught:
        llm_api_key(LlmSettings())
    assert "sk" not in str(caught.value)


@pytest.mark.parametrize("setting", ["llm.api_key_variable", "notify.webhook_variable"])
@pytest.mark.parametrize(
    "name",
    [
        *("sk-123", "", "MY KEY", "$KEY", "sk_live_123", "Key", "1KEY", "https://hooks.example.org/T0/B0/x"),
        *("AKIAIOSFODNN7EXAMPLE", "SK_9F8E7D6C5B4A39281706", ["sk-123"], {"sk-123": 1}, 4711),
    ],
)
def test_a_key_in_the_place_of_its_variable_is_refused_and_not_repeated(name, setting):
    with pytest.raises(ConfigError, match="must be the name of an environment variable") as caught:
        load_config(None, {setting: name})
    for secret in ("sk-123", "sk_live", "hooks", "AKIA", "9F8E", "4711"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("name", ["FTM_LLM_API_KEY", "GROK_KEY", "OPENAI_API_KEY_2", "_X", "TEAM_7_WEBHOOK_2026"])
def test_usual_names_of_variables_are_taken(name):
    assert load_config(None, {"llm.api_key_variable": name}).llm.api_key_variable == name


def test_the_address_of_the_model_does_not_change_the_identity_of_the_map():
    one = load_config(None, {"llm.endpoint": "http://one:8000/v1"})
    other = load_config(None, {"llm.endpoint": "http://other:9000/v1"})
    assert one.for_map() == other.for_map()
    longer = load_config(None, {"llm.endpoint": "http://one:8000/v1", "llm.max_tokens": 300})
    assert longer.for_map() != one.for_map()


def test_an_endpoint_with_a_password_is_refused_and_the_password_is_not_repeated():
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"llm.endpoint": "https://user:hunter2@host/v1"})
    assert "hunter2" not in str(caught.value)
    assert "llm.endpoint" in str(caught.value)
