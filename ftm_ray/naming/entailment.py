"""Whether a claim follows from sentences, judged by a model made for that question (NLI, or a fact checker).

It sees what words and vectors cannot: that prices rose where the text says that they fell. The model is the user's;
none is shipped, and none is asked unless it is named (docs/naming.md).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ftm_ray.errors import ConfigError

#: What models call the class of a claim that is borne out, in small letters.
_BORNE_OUT = ("entailment", "supported", "supports", "consistent", "factual")

#: Models of this kind are trained on pairs of at most so many tokens.
_MAX_TOKENS = 512
_BATCH_SIZE = 16

#: The shape of a batch reaches the last bits of a probability; what is published must not depend on them.
_DIGITS = 4


class EntailmentJudge:
    """A sequence classifier of transformers, loaded once per actor.

    Args:
        model: A folder, or a name that the hub knows.
        device: 'cpu' or 'cuda'.

    Raises:
        ConfigError: It cannot be loaded, lacks weights, or does not say which of its classes means "borne out".
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._class = borne_out_class(model)
        self._device = device
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(model)
            loaded, found = AutoModelForSequenceClassification.from_pretrained(model, output_loading_info=True)
        except (OSError, ValueError) as error:
            raise _cannot_load(model, error) from error
        if found["missing_keys"]:
            raise ConfigError(
                f"llm.support_model '{model}' lacks weights ({', '.join(sorted(found['missing_keys'])[:3])}), which "
                "would be random: give a model that was trained as a classifier of (sentences, claim)"
            )
        self._model = loaded.to(device).eval()
        limits = (self._tokenizer.model_max_length, getattr(loaded.config, "max_position_embeddings", _MAX_TOKENS))
        self._max_tokens = min(_MAX_TOKENS, *(limit for limit in limits if limit and limit > 0))

    def probabilities(self, sentences: Sequence[Sequence[str]], claims: Sequence[str]) -> list[float]:
        """How likely each claim is borne out by its sentences.

        Args:
            sentences: Of each claim, the most telling first: where a pair is too long, the last ones are cut off (and
                of a claim only what is beyond half of the model's tokens).
            claims: One for each.

        Returns:
            0 to 1 for each claim, in the order given.
        """
        import torch

        said = [" ".join(of_claim) for of_claim in sentences]
        # Pairs of like length together: padding is wasted arithmetic.
        order = np.argsort([len(a) + len(b) for a, b in zip(said, claims, strict=True)], kind="stable")
        found = np.zeros(len(claims), dtype=np.float64)
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH_SIZE):
                rows = order[start : start + _BATCH_SIZE]
                pairs = self._tokenizer(
                    [said[row] for row in rows],
                    [claims[row] for row in rows],
                    truncation="longest_first",
                    max_length=self._max_tokens,
                    padding=True,
                    return_tensors="pt",
                ).to(self._device)
                logits = self._model(**pairs).logits.float()
                found[rows] = logits.softmax(dim=1)[:, self._class].cpu().numpy()
        return [round(value, _DIGITS) for value in found.tolist()]


def borne_out_class(model: str) -> int:
    """Which class of a model means that a claim is borne out. Reads its config.json and no weights.

    Raises:
        ConfigError: It cannot be read, or its labels do not tell.
    """
    from transformers import AutoConfig

    try:
        labels: Mapping[int, str] = AutoConfig.from_pretrained(model).id2label
    except (OSError, ValueError) as error:
        raise _cannot_load(model, error) from error
    found = [number for number, label in labels.items() if str(label).strip().lower() in _BORNE_OUT]
    if len(found) != 1 or len(labels) < 2:
        raise ConfigError(
            f"llm.support_model '{model}' must have one class called {', '.join(_BORNE_OUT[:-1])} or {_BORNE_OUT[-1]}, "
            f"got {', '.join(map(str, labels.values()))}: name the classes in id2label of its config.json as its "
            "authors say, or give another model"
        )
    return int(found[0])


def _cannot_load(model: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"cannot load llm.support_model '{model}' ({error.__class__.__name__}); give a folder with a sequence "
        "classifier of transformers and its tokenizer, or a name the hub knows"
    )
