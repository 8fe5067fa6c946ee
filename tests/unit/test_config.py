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


@pytest.mark.parametrize(
    "change",
    [
        {"embed.precision": "bf16"},
        {"topics.random_state": 1},
        {"topics.boilerplate": "rules"},
        {"llm.endpoint": "http://one/v1"},
        {"llm.endpoint": "http://one/v1", "llm.model": "other"},
        {"keep_unlinked": True},
    ],
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
    ],
)
def test_how_fast_and_how_patiently_changes_nothing(change):
    assert load_config(None, change).for_run() == RunConfig().for_run()


def test_every_table_of_the_configuration_counts_in_the_identity():
    tables = {name for name, value in RunConfig() if hasattr(value, "model_dump")}
    assert tables <= RunConfig().for_run().keys()


def test_the_key_is_read_when_asked_for_and_is_no_part_of_the_configuration(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-123")
    settings = LlmSettings(api_key_variable="MY_KEY")
    assert llm_api_key(settings) == "sk-123"
    assert "sk-123" not in RunConfig(llm=settings).model_dump_json()
    monkeypatch.delenv("MY_KEY")
    assert llm_api_key(settings) == "none"


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
