"""Whether a claim follows from sentences, judged by a model made for that question (NLI, or a fact checker).

It sees what words and vectors cannot: that prices rose where the text says that they fell. The model is the user's;
none is shipped, and none is asked unless it is named (docs/naming.md).
"""

from collections.abc import Sequence

from ftm_ray.errors import ConfigError
from ftm_ray.vectors.sequence_classifier import ClassifierSource, SequenceClassifier, read_labels

#: What models call the class of a claim that is borne out, in small letters.
_BORNE_OUT = ("entailment", "supported", "supports", "consistent", "factual")


class EntailmentJudge:
    """A sequence classifier of transformers, loaded once per actor.

    Args:
        model: A folder, or a name that the hub knows.
        device: 'cpu' or 'cuda'.

    Raises:
        ConfigError: It cannot be loaded, lacks weights, or does not say which of its classes means "borne out".
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        self._class = borne_out_class(model)
        self._classifier = SequenceClassifier(_source(model), device)

    def probabilities(self, sentences: Sequence[Sequence[str]], claims: Sequence[str]) -> list[float]:
        """How likely each claim is borne out by its sentences.

        Args:
            sentences: Of each claim, the most telling first: where a pair is too long, the last ones are cut off (and
                of a claim only what is beyond half of the model's tokens).
            claims: One for each.

        Returns:
            0 to 1 for each claim, in the order given.
        """
        found = self._classifier.probabilities([" ".join(of_claim) for of_claim in sentences], claims)
        return [float(value) for value in found[:, self._class]]


def borne_out_class(model: str) -> int:
    """Which class of a model means that a claim is borne out. Reads its config.json and no weights.

    Raises:
        ConfigError: It cannot be read, or its labels do not tell.
    """
    labels, _ = read_labels(_source(model))
    found = [number for number, label in labels.items() if label.strip().lower() in _BORNE_OUT]
    if len(found) != 1 or len(labels) < 2:
        raise ConfigError(
            f"llm.support_model '{model}' must have one class called {', '.join(_BORNE_OUT[:-1])} or {_BORNE_OUT[-1]}, "
            f"got {', '.join(labels.values())}: name the classes in id2label of its config.json as its "
            "authors say, or give another model"
        )
    return found[0]


def _source(model: str) -> ClassifierSource:
    return ClassifierSource(model, "llm.support_model", "(sentences, claim)")
