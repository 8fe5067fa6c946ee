"""How vLLM is set up for naming topics: one preset per size of card, and the Ray Serve application made of it.

The work is many short questions: a fixed text of rules (the same in every prompt, and first), up to 900 tokens of
material, and an answer of some 60 tokens. Reading the prompts is nearly all of the arithmetic, so the card is busy
with few requests at once, and memory is needed for the weights, not for long contexts.

Plain Python, no Ray: `application` gives what `ray.serve.llm.build_openai_app` takes. The numbers for cards are
computed (docs/adr/0009-model-and-quantisation.md); those for large ones ran on half an H200 (docs/benchmarks.md).
"""

import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftm_ray.config import LlmSettings, NodeType, ServeSettings
from ftm_ray.errors import ConfigError
from ftm_ray.vectors.encoder import has_bf16

#: The engine takes so many prompt tokens in one step: about 10 prompts at once, which fills any of these cards, while
#: answers under way still get their next token between them (chunked prefill).
_BATCHED_TOKENS = 8192

#: A card is busy with this many requests under way: while 10 are read, 20 are answered. More replicas are started for
#: more, so llm.max_concurrency = 50 can use two replicas, not three.
REQUESTS_PER_REPLICA = 32

#: Idle replicas are kept for so long, as loading the model again takes minutes: while themes are clustered nobody asks.
_IDLE_S = 600.0

#: Of a card's memory, what a replica does not touch although the share is its own: CUDA's own 0.5 GiB and fragments.
_HEAD_ROOM = 0.05

#: A whole card is never filled above this; vLLM's own default.
_FULLEST = 0.90

#: Such as "(Worker pid=410) ERROR 11-21 04:04:53 [multiproc_executor.py:1055] ValueError: Available memory on ...".
_CAUSE = re.compile(r"^\((?:Worker|EngineCore).*\) ERROR .*?\] ((?:\w+\.)*\w*(?:Error|Exception): .+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings that go together with one size of card.

    Attributes:
        gpus: Share of a card per replica; 0 = runs on the processor.
        quantization: As in ServeSettings.
        max_model_len: Prompt and answer, in tokens. Prompts are bounded at 900 and answers at 256; a tokenizer other
            than the model's may count a third less.
        max_num_seqs: Requests computed together, as many as the cache holds with 700 tokens each.
    """

    gpus: float
    quantization: str
    max_model_len: int
    max_num_seqs: int


# Qwen3-8B has 8.19 billion weights: 15.3 GiB in bf16, 8.8 GiB in fp8 and 5.7 GiB in AWQ (embeddings stay in bf16). A
# token in the cache takes 36 layers x 8 heads x 128 numbers x 2 (key and value) x 2 bytes = 144 KiB. Another 2 GiB are
# taken off for activations and CUDA graphs (1.9 on an H200 with 8,192 tokens a step).
PRESETS = {
    # A10G and L4, 22.5 GiB. bf16 leaves room for 22,000 tokens (31 requests) if nothing else is on the card; fp8 in
    # 70 % of it for 36,000 (51 requests), and a quarter of the card for a topic actor. L4 computes in fp8; A10G cannot,
    # and only stores the weights so (Marlin kernels). AWQ would leave more (59,000), but needs other weights.
    "24gb": Preset(gpus=0.75, quantization="fp8", max_model_len=2048, max_num_seqs=48),
    # A100-80, H100 and larger, from 79 GiB. In half a card bf16 weights leave 134,000 tokens (191 requests), and the
    # map gets the other half. Nothing has to be quantised.
    "80gb": Preset(gpus=0.5, quantization="none", max_model_len=2048, max_num_seqs=128),
    # Tests, and laptops with a small model: Qwen3-0.6B has 1.2 GB of weights; 1 GiB of cache is 9,400 of its tokens.
    "cpu": Preset(gpus=0, quantization="none", max_model_len=2048, max_num_seqs=16),
}

_CPU_CACHE_BYTES = 1 << 30

#: What the processor's replica and the door ask of Ray. Slivers: vLLM's process is one that Ray does not see, and on
#: two cores the topic actors (0.7 each) and the stages that wait (0.1 each) must find their places beside it.
_CPU_SLIVER = 0.05

_HUB_PATIENCE_S = 5.0

#: Cards by the names that Ray finds for them. A100 stands for 40 and 80 GB alike, so it counts as small.
_SMALL_CARDS = {"A10", "A10G", "L4", "L40", "L40S", "A40", "A100", "A100-40G", "RTX-A5000", "RTX-A6000"}
_SMALL_CARDS |= {"GeForce-RTX-3090", "GeForce-RTX-4090", "GeForce-RTX-5090"}
_LARGE_CARDS = {"A100-80G", "H100", "H200", "H20", "B200", "B300", "GB200", "GB300", "RTX-PRO-6000"}


def choose_preset(name: str, nodes: Sequence[NodeType]) -> Preset:
    """The preset of this name; with "auto" the one for the smallest card that a node may have.

    Args:
        name: As in ServeSettings.
        nodes: Those that may come.

    Raises:
        ConfigError: "auto", and no node has a GPU, or one has a card of a kind that is not known here.
    """
    if name != "auto":
        return PRESETS[name]
    cards = {kind.accelerator for kind in nodes if kind.gpus}
    if not cards:
        raise ConfigError(
            "there is no GPU to serve a model on: no node that may come has one. Name the nodes of the cluster in "
            "[[cluster.node_types]], set serve.preset = 'cpu' for a small model such as --llm-model Qwen/Qwen3-0.6B, "
            "or use --llm URL or none"
        )
    unknown = cards - _SMALL_CARDS - _LARGE_CARDS
    if unknown:
        names = ", ".join(sorted(card or "one without a name" for card in unknown))
        raise ConfigError(
            f"cannot choose settings for a card of this cluster ({names}): name it in [[cluster.node_types]] "
            "(accelerator = 'L4'), or set serve.preset to '24gb' or '80gb', by the memory of the smallest card"
        )
    return PRESETS["24gb" if cards & _SMALL_CARDS else "80gb"]


@dataclass(frozen=True, slots=True)
class ReplicaNeeds:
    """What copies of the model take of a cluster.

    Attributes:
        share: Of each card that a copy uses, 0 to 1.
        n_cards: Cards of one node that a copy uses; 0 = it runs on the processor.
        cpus: Cores of that node: its process takes one, and so does the worker of each card.
        n_replicas: Copies, at the most.
    """

    share: float
    n_cards: int
    cpus: float
    n_replicas: int


def replica_needs(serve: ServeSettings, preset: Preset) -> ReplicaNeeds:
    """What the model takes when it is served so."""
    share = _share(serve, preset)
    n_cards = serve.tensor_parallel if share else 0
    return ReplicaNeeds(share, n_cards, 1.0 + n_cards if share else _CPU_SLIVER, serve.max_replicas)


def application(llm: LlmSettings, serve: ServeSettings, preset: Preset, cpu_threads: int) -> dict[str, Any]:
    """The Serve application, as `ray.serve.llm.build_openai_app` takes it.

    Args:
        llm: Names the model.
        serve: What the user set; null = by the preset.
        preset: Settings for the card.
        cpu_threads: Threads of a replica on the processor.

    Raises:
        ConfigError: The folder of the model is missing, or the settings contradict each other.
    """
    gpus = _share(serve, preset)
    environment = {"VLLM_NO_USAGE_STATS": "1"}  # nothing is reported to anybody
    if gpus:
        bundle, replica_cpus = {"CPU": 1.0, "GPU": gpus}, 1.0
        # vLLM's worker asks Ray for a whole card, whatever its place has, and then finds none (seen on an H100).
        environment |= {"VLLM_RAY_PER_WORKER_GPUS": f"{gpus:g}"}
    else:
        bundle, replica_cpus = {"CPU": _CPU_SLIVER}, _CPU_SLIVER
        # vLLM would bind one thread to each core but one, and with them the cores that the map works on; and without
        # this number it would inherit the one thread that Ray gives to small actors.
        environment |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(cpu_threads)}
    model = {
        "model_loading_config": {"model_id": llm.model, "model_source": _source(llm, serve)},
        "accelerator_config": {"kind": "gpu" if gpus else "cpu"},
        # No accelerator_type: it would pin one kind of card, and Spot needs the choice. All cards in one node.
        "placement_group_config": {"bundle_per_worker": bundle, "strategy": "STRICT_PACK"},
        "engine_kwargs": _engine(serve, preset, gpus),
        "deployment_config": {
            **_replicas(serve),
            "ray_actor_options": {"num_cpus": replica_cpus},
            # A Spot node lost while it loads deserves a second try; on the processor a failure is a wrong setting.
            "max_constructor_retry_count": 2 if gpus else 1,
            "health_check_timeout_s": 60,  # on a busy laptop 10 s are not enough, and a dead replica is seen anyway
            "graceful_shutdown_wait_loop_s": 0.5,
            "graceful_shutdown_timeout_s": 10,
        },
        "runtime_env": {"env_vars": environment},
        "server_cls": "ftm_ray.serving.replica.ModelReplica",
    }
    door = {
        "num_replicas": 1,  # 50 requests at once are nothing for one
        # On the head node, which is no Spot node, and where it keeps no GPU node from going away.
        "ray_actor_options": {"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}},
        "graceful_shutdown_wait_loop_s": 0.5,
        "graceful_shutdown_timeout_s": 10,
    }
    return {"llm_configs": [model], "ingress_deployment_config": door}


def check_hub(name: str) -> None:
    """Find out in some seconds whether this machine can get a model from the Hugging Face hub, or has it already.

    Raises:
        ConfigError: It cannot. Without this check vLLM would start for a minute and then say so in other words.
    """
    from huggingface_hub import constants, get_token, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    advice = "give a folder with the model (serve.model_source), or another --llm-model"
    try:
        if isinstance(try_to_load_from_cache(name, "config.json"), str):
            return
    except HFValidationError as error:
        raise ConfigError(f"{name} is neither a folder nor a name on the Hugging Face hub: {advice}") from error
    if constants.HF_HUB_OFFLINE:
        raise ConfigError(f"{name} is not in this machine's cache, and HF_HUB_OFFLINE forbids to download it: {advice}")
    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{constants.ENDPOINT}/api/models/{name}", headers=headers)
    try:
        urllib.request.urlopen(request, timeout=_HUB_PATIENCE_S).close()
    except urllib.error.HTTPError as error:
        why = "has no such model, or wants HF_TOKEN" if error.code in (401, 403, 404) else f"answers {error.code}"
        raise ConfigError(f"{name}: the Hugging Face hub {why}; {advice}") from error
    except OSError as error:
        raise ConfigError(
            f"{name} is not in this machine's cache, and the Hugging Face hub cannot be reached: {advice}"
        ) from error


def _share(serve: ServeSettings, preset: Preset) -> float:
    if not preset.gpus:
        if serve.tensor_parallel > 1:
            raise ConfigError("serve.tensor_parallel spreads a model over cards; it cannot be used with preset 'cpu'")
        return 0.0
    return 1.0 if serve.tensor_parallel > 1 else serve.gpus_per_replica or preset.gpus


def _source(llm: LlmSettings, serve: ServeSettings) -> str:
    """Where the weights are. A folder is made absolute, as replicas work in another one."""
    source = serve.model_source or llm.model
    folder = Path(source).expanduser()
    if (folder / "config.json").is_file():
        return str(folder.resolve())
    if folder.is_dir() or source.startswith(("/", ".", "~")):
        raise ConfigError(
            f"there is no model in {folder}: expected a folder with config.json, weights and tokenizer, "
            "or the name of one on the Hugging Face hub; check --llm-model and serve.model_source"
        )
    return source


def _engine(serve: ServeSettings, preset: Preset, gpus: float) -> dict[str, Any]:
    """vLLM's settings, by the names that vLLM has for them."""
    engine: dict[str, Any] = {
        "tensor_parallel_size": serve.tensor_parallel,
        "max_model_len": serve.max_model_len or preset.max_model_len,
        "max_num_seqs": serve.max_num_seqs or preset.max_num_seqs,
        "max_num_batched_tokens": _BATCHED_TOKENS if gpus else preset.max_model_len,
        "enable_chunked_prefill": True,
        "enable_prefix_caching": True,  # the rules stand first in every prompt and are read once
        "enable_prompt_tokens_details": True,  # answers say how many tokens came from that cache
        # Compact JSON: a model that may write blanks between fields can write them until the answer is cut off.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "load_format": serve.load_format,
    }
    quantization = serve.quantization or preset.quantization
    if quantization != "none":
        engine["quantization"] = quantization
    if not gpus:
        # Eager: compiling for a processor takes minutes and a compiler. Weights come as bf16, which processors without
        # instructions for it emulate: a product of matrices took 7 times as long on one with AVX2 alone.
        dtype = "auto" if has_bf16("cpu") else "float32"
        return engine | {"enforce_eager": True, "dtype": dtype, "kv_cache_memory_bytes": _CPU_CACHE_BYTES}
    ratio = serve.gpu_memory_ratio or round(min(_FULLEST, gpus - _HEAD_ROOM), 4)
    if ratio > gpus:
        raise ConfigError(
            f"serve.gpu_memory_ratio is {ratio}, but a replica has only {gpus} of a card (serve.gpus_per_replica): "
            f"it must be smaller, or others on the card run out of memory"
        )
    return engine | {"gpu_memory_utilization": ratio}


def _replicas(serve: ServeSettings) -> dict[str, Any]:
    """A fixed number, or as many as the requests need. From zero it starts with one, so that a run can see it work."""
    if serve.min_replicas == serve.max_replicas:
        return {"num_replicas": serve.max_replicas}
    return {
        "autoscaling_config": {
            "min_replicas": serve.min_replicas,
            "initial_replicas": max(1, serve.min_replicas),
            "max_replicas": serve.max_replicas,
            "target_ongoing_requests": REQUESTS_PER_REPLICA,
            "upscale_delay_s": 10.0,
            "downscale_delay_s": _IDLE_S,
        }
    }


def first_cause(log: str) -> str | None:
    """The first error that a process of vLLM logged, as "ValueError: ..."; the later ones are consequences."""
    found = _CAUSE.search(log)
    return found[1] if found else None
