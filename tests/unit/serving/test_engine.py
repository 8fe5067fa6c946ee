"""How vLLM is set up: which preset for which card, and what contradicts itself. No Ray, no vLLM."""

import pytest

from ftm_ray.config import LlmSettings, NodeType, ServeSettings
from ftm_ray.errors import ConfigError
from ftm_ray.serving import engine
from ftm_ray.serving.engine import PRESETS, application, check_hub, choose_preset, first_cause

QWEN = LlmSettings(model="Qwen/Qwen3-8B")


def cluster(*cards):
    """A kind of node for each of these cards."""
    return tuple(NodeType(name=f"n{n}", cpus=8, gpus=1, accelerator=card) for n, card in enumerate(cards))


def model_of(serve, preset, llm=QWEN):
    """The only model of the application."""
    (model,) = application(llm, serve, PRESETS[preset], cpu_threads=3)["llm_configs"]
    return model


# --- presets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cards", "preset"),
    [
        (["A10G"], "24gb"),
        (["A10G", "H100"], "24gb"),  # the smallest decides: a replica may start on any card
        (["A100"], "24gb"),  # 40 or 80 GB: Ray does not say
        (["H100", "H200"], "80gb"),
    ],
)
def test_the_smallest_card_decides(cards, preset):
    assert choose_preset("auto", cluster(*cards)) == PRESETS[preset]


@pytest.mark.parametrize("cards", [["T4"], ["A10G", "T4"], [None]])
def test_cards_that_are_not_known_are_not_guessed_at(cards):
    with pytest.raises(ConfigError, match=r"set serve\.preset"):
        choose_preset("auto", cluster(*cards))


def test_without_a_card_the_preset_must_be_named():
    no_card = (NodeType(name="head", cpus=8),)
    with pytest.raises(ConfigError, match="there is no GPU"):
        choose_preset("auto", no_card)
    assert choose_preset("cpu", no_card) == PRESETS["cpu"]
    assert choose_preset("24gb", no_card) == PRESETS["24gb"]


# --- the application -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["24gb", "80gb"])
def test_vllm_stays_below_its_share_of_the_card(preset):
    model = model_of(ServeSettings(), preset)
    share = model["placement_group_config"]["bundle_per_worker"]["GPU"]
    assert 0 < model["engine_kwargs"]["gpu_memory_utilization"] < share < 1


def test_a_share_of_ones_own_has_head_room_and_a_ratio_above_it_is_refused():
    shared = model_of(ServeSettings(gpus_per_replica=0.6), "24gb")
    assert shared["engine_kwargs"]["gpu_memory_utilization"] == 0.55
    whole = model_of(ServeSettings(gpus_per_replica=1), "24gb")
    assert whole["engine_kwargs"]["gpu_memory_utilization"] == 0.9
    with pytest.raises(ConfigError, match=r"gpu_memory_ratio is 0\.8, but a replica has only 0\.6"):
        model_of(ServeSettings(gpus_per_replica=0.6, gpu_memory_ratio=0.8), "24gb")


def test_a_model_over_two_cards_takes_them_whole_and_in_one_node():
    model = model_of(ServeSettings(tensor_parallel=2), "80gb")
    assert model["engine_kwargs"]["tensor_parallel_size"] == 2
    assert model["placement_group_config"] == {
        "bundle_per_worker": {"CPU": 1.0, "GPU": 1.0},
        "strategy": "STRICT_PACK",
    }
    with pytest.raises(ConfigError, match="tensor_parallel"):
        model_of(ServeSettings(tensor_parallel=2), "cpu")


def test_weights_are_quantised_by_preset_unless_said_otherwise():
    assert model_of(ServeSettings(), "24gb")["engine_kwargs"]["quantization"] == "fp8"
    assert model_of(ServeSettings(quantization="awq"), "24gb")["engine_kwargs"]["quantization"] == "awq"
    assert "quantization" not in model_of(ServeSettings(quantization="none"), "24gb")["engine_kwargs"]
    assert "quantization" not in model_of(ServeSettings(), "80gb")["engine_kwargs"]


def test_copies_are_fixed_or_follow_the_requests():
    fixed = model_of(ServeSettings(min_replicas=2, max_replicas=2), "24gb")["deployment_config"]
    assert fixed["num_replicas"] == 2
    assert "autoscaling_config" not in fixed
    follows = model_of(ServeSettings(min_replicas=0, max_replicas=3), "24gb")["deployment_config"]
    assert "num_replicas" not in follows
    scaling = follows["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["initial_replicas"], scaling["max_replicas"]) == (0, 1, 3)
    assert scaling["target_ongoing_requests"] < LlmSettings().max_concurrency  # or a second one would never start


@pytest.mark.parametrize(
    ("serve", "preset", "asked"),
    [
        (ServeSettings(), "80gb", 0.5),
        (ServeSettings(), "24gb", 0.75),
        (ServeSettings(gpus_per_replica=1.0), "24gb", 1.0),
        (ServeSettings(tensor_parallel=2), "24gb", 1.0),
    ],
)
def test_vllms_worker_asks_for_the_share_of_a_card_that_its_place_has(serve, preset, asked, monkeypatch):
    """It asks for a whole one else, and Ray refuses: a model on half a card never started."""
    executor = pytest.importorskip("vllm.v1.executor.ray_executor_v2")
    model = model_of(serve, preset)
    for name, value in model["runtime_env"]["env_vars"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(executor.current_platform, "ray_device_key", "GPU", raising=False)  # as on a card
    assert executor.RayExecutorV2._get_actor_resource_kwargs() == {"num_gpus": asked}
    assert model["placement_group_config"]["bundle_per_worker"]["GPU"] == asked


def test_on_the_processor_it_leaves_room_for_the_map():
    config = application(QWEN, ServeSettings(), PRESETS["cpu"], cpu_threads=3)
    (model,) = config["llm_configs"]
    asked = model["placement_group_config"]["bundle_per_worker"]["CPU"]
    asked += model["deployment_config"]["ray_actor_options"]["num_cpus"]
    asked += config["ingress_deployment_config"]["ray_actor_options"]["num_cpus"]
    two_topic_actors_and_four_stages = 2 * 0.7 + 4 * 0.1
    assert asked + two_topic_actors_and_four_stages <= 2
    assert model["runtime_env"]["env_vars"]["OMP_NUM_THREADS"] == "3"
    assert model["engine_kwargs"]["enforce_eager"]


@pytest.mark.parametrize(("able", "dtype"), [(True, "auto"), (False, "float32")])
def test_a_processor_that_only_emulates_bf16_computes_in_float32(able, dtype, monkeypatch):
    monkeypatch.setattr(engine, "has_bf16", lambda device: able)
    assert model_of(ServeSettings(), "cpu")["engine_kwargs"]["dtype"] == dtype
    assert "dtype" not in model_of(ServeSettings(), "24gb")["engine_kwargs"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_room_for_the_longest_prompt_and_answer(preset):
    longest = LlmSettings().max_prompt_tokens + LlmSettings().max_tokens
    assert PRESETS[preset].max_model_len > longest
    settings = model_of(ServeSettings(), preset)["engine_kwargs"]
    assert settings["enable_prefix_caching"]
    assert settings["structured_outputs_config"]["disable_any_whitespace"]


# --- where the weights are -----------------------------------------------------------------------------------------


def test_a_folder_is_found_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    loading = model_of(ServeSettings(), "cpu", LlmSettings(model="./tiny"))["model_loading_config"]
    assert loading == {"model_id": "./tiny", "model_source": str(tmp_path / "tiny")}
    loading = model_of(ServeSettings(model_source=str(tmp_path / "tiny")), "cpu")["model_loading_config"]
    assert loading == {"model_id": "Qwen/Qwen3-8B", "model_source": str(tmp_path / "tiny")}


@pytest.mark.parametrize("folder", ["nothing", "empty"])
def test_a_folder_without_a_model_is_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=rf"there is no model in .*/{folder}: expected a folder with config\.json"):
        model_of(ServeSettings(), "cpu", LlmSettings(model=str(tmp_path / folder)))


@pytest.mark.parametrize("source", ["Qwen/Qwen3-8B", "s3://bucket/Qwen3-8B"])
def test_names_on_the_hub_and_in_s3_are_left_to_the_node_that_loads(source):
    loading = model_of(ServeSettings(model_source=source), "24gb")["model_loading_config"]
    assert loading == {"model_id": "Qwen/Qwen3-8B", "model_source": source}


def test_a_model_that_cannot_be_downloaded_is_told_at_once():
    with pytest.raises(ConfigError, match="HF_HUB_OFFLINE forbids to download it"):  # the tests run so
        check_hub("Qwen/Qwen3-8B")
    with pytest.raises(ConfigError, match="neither a folder nor a name"):
        check_hub("not a name")


# --- vLLM's log ----------------------------------------------------------------------------------------------------


def test_the_first_error_in_vllms_log_is_the_cause():
    log = """\
INFO 11-21 04:04:50 [core.py:101] Initializing a V1 LLM engine
(Worker pid=410) WARNING 11-21 04:04:52 [cpu_worker.py:42] ValueError: of no importance
(Worker pid=410) ERROR 11-21 04:04:53 [multiproc_executor.py:1055] Traceback (most recent call last):
(Worker pid=410) ERROR 11-21 04:04:53 [multiproc_executor.py:1055]     raise ValueError(
(Worker pid=410) ERROR 11-21 04:04:53 [multiproc_executor.py:1055] torch.OutOfMemoryError: CUDA out of memory. Tried
(EngineCore pid=32718) ERROR 11-21 04:04:53 [core.py:1374] RuntimeError: Worker failed with error 'CUDA out of memory'
"""
    assert first_cause(log) == "torch.OutOfMemoryError: CUDA out of memory. Tried"
    assert first_cause("INFO all is well\n") is None
