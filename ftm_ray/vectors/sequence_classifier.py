"""A sequence classifier of transformers: texts, or pairs of texts, become probabilities of its classes.

What a text gets depends on the text alone, never on what else is asked with it: the shape of a batch reaches the last
bits (in bf16 the third digit) of a probability, so batches have a few fixed shapes. They are always full, texts are
filled up to a multiple of eight tokens with at least one more than they have (a batch without any filling takes another
way through the model), and what is filled up is thrown away. So parts may be cut as one likes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ftm_ray.errors import ConfigError
from ftm_ray.vectors.encoder import has_bf16

#: Models of this kind are trained on texts of at most so many tokens.
_MAX_TOKENS = 512

_CPU_BATCH_SIZE = 16
_GPU_BATCH_SIZE = 64
_WIDTH_STEP = 8

#: More digits say nothing: bf16 and fp32 differ in the third.
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class ClassifierSource:
    """Which classifier, and how messages speak of it.

    Attributes:
        name: A folder, or a name that the hub knows.
        setting: Where a person named it, such as llm.support_model.
        trained_on: What it must have been trained on, in words.
        revision: Which state of a model on the hub; None = the newest.
    """

    name: str
    setting: str
    trained_on: str
    revision: str | None = None

    def cannot_load(self, error: Exception) -> ConfigError:
        """The error of a model that is not there, or is none."""
        return ConfigError(
            f"cannot load {self.setting} '{self.name}' ({error.__class__.__name__}); give a folder with a sequence "
            "classifier of transformers (weights as .safetensors) and its tokenizer, or a name the hub knows"
        )


class SequenceClassifier:
    """The model, loaded once per actor.

    Args:
        source: Which one.
        device: 'cpu' or 'cuda'.
        precision: 'fp32', 'bf16', or 'auto': bf16 where the processor has instructions for it.

    Raises:
        ConfigError: It cannot be loaded, or lacks weights.
    """

    def __init__(self, source: ClassifierSource, device: str = "cpu", precision: str = "fp32") -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._device = device
        self.precision = ("bf16" if has_bf16(device) else "fp32") if precision == "auto" else precision
        self._batch_size = _GPU_BATCH_SIZE if device == "cuda" else _CPU_BATCH_SIZE
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(source.name, revision=source.revision or "main")
            loaded, found = AutoModelForSequenceClassification.from_pretrained(
                source.name,
                revision=source.revision or "main",
                output_loading_info=True,
                use_safetensors=True,  # a pickle can run what its maker wants
            )
        except (OSError, ValueError) as error:
            raise source.cannot_load(error) from error
        if found["missing_keys"]:
            raise ConfigError(
                f"{source.setting} '{source.name}' lacks weights ({', '.join(sorted(found['missing_keys'])[:3])}), "
                f"which would be random: give a model that was trained as a classifier of {source.trained_on}"
            )
        self._model = loaded.to(device).eval()
        limits = (self._tokenizer.model_max_length, getattr(loaded.config, "max_position_embeddings", _MAX_TOKENS))
        self._max_tokens = min(_MAX_TOKENS, *(limit for limit in limits if limit and limit > 0))

    def probabilities(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> np.ndarray:
        """The probability of each class for each text, or each pair of texts.

        Args:
            texts: What is too long for the model is cut off.
            seconds: The other text of each pair; the longer of the two is cut.

        Returns:
            (n_texts, n_classes) float64, rounded to four digits, in the order given.
        """
        import torch

        found = np.zeros((len(texts), self._model.config.num_labels), dtype=np.float64)
        if not texts:
            return found
        given = [list(texts)] if seconds is None else [list(texts), list(seconds)]
        tokens = self._tokenizer(*given, truncation="longest_first", max_length=self._max_tokens - 1)
        lengths = [len(ids) for ids in tokens["input_ids"]]
        with torch.inference_mode(), torch.autocast(self._device, torch.bfloat16, enabled=self.precision == "bf16"):
            for width, rows in _full_batches(lengths, self._max_tokens, self._batch_size):
                logits = self._model(**self._padded(tokens, rows, width)).logits.float()
                found[rows] = logits.softmax(dim=1).cpu().numpy()
        return found.round(_DIGITS)

    def _padded(self, tokens: Any, rows: np.ndarray, width: int) -> Any:
        chosen = {name: [values[row] for row in rows] for name, values in tokens.items()}
        padded = self._tokenizer.pad(chosen, padding="max_length", max_length=width, return_tensors="pt")
        return padded.to(self._device)


def read_labels(source: ClassifierSource) -> tuple[dict[int, str], str | None]:
    """The classes of a model by their numbers, as its config.json says, and its revision if it comes from the hub.

    Reads no weights.

    Raises:
        ConfigError: It cannot be read.
    """
    from transformers import AutoConfig
    from transformers.utils import cached_file
    from transformers.utils.hub import extract_commit_hash

    try:
        config = AutoConfig.from_pretrained(source.name)
        place = cached_file(source.name, "config.json")
    except (OSError, ValueError) as error:
        raise source.cannot_load(error) from error
    labels = {int(number): str(label) for number, label in config.id2label.items()}
    return labels, extract_commit_hash(place, None)  # the hub's client keeps each revision in a folder of its name


def _full_batches(lengths: Sequence[int], max_tokens: int, batch_size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Rows of like length by the width that they are filled up to; the last of a width is asked again to fill up."""
    needed = np.array(lengths) + 1
    widths = np.minimum(-(-needed // _WIDTH_STEP) * _WIDTH_STEP, max_tokens)
    for width in np.unique(widths):
        rows = np.flatnonzero(widths == width)
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            yield int(width), np.pad(batch, (0, batch_size - len(batch)), mode="edge")
