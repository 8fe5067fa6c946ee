"""The sentiment of sentences by a classifier that the user names: probabilities of positive, negative, neutral."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ftm_ray.errors import ConfigError
from ftm_ray.sentiment.labels import SentimentClasses
from ftm_ray.vectors.sequence_classifier import ClassifierSource, SequenceClassifier, read_labels

#: Part of every model's digest: raised when the same model would give other numbers.
_SCORING_VERSION = 1

_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class SentimentModel:
    """A model whose classes are known.

    Attributes:
        source: Where it comes from; of the hub always one revision, so that every worker has the same.
        labels: Its classes as it calls them, by number.
        classes: Which of them is which.
        precision: auto, bf16 or fp32, as set.
        digest: Changes with anything that decides what it says.
    """

    source: ClassifierSource
    labels: dict[int, str]
    classes: SentimentClasses
    precision: str
    digest: str


def find_model(name: str, precision: str) -> SentimentModel:
    """Look at a model without loading its weights.

    Args:
        name: A folder, or a name that the hub knows.
        precision: auto, bf16 or fp32.

    Raises:
        ConfigError: It is not there, or its labels do not tell what they mean.
    """
    source = ClassifierSource(name, "sentiment.model", "sentences by their sentiment")
    labels, revision = read_labels(source)
    classes = SentimentClasses.of(labels, name)
    source = ClassifierSource(name, source.setting, source.trained_on, revision)
    digest = hashlib.sha256(f"{_SCORING_VERSION} {precision}\n".encode())
    folder = Path(name)
    if folder.is_dir():
        _add_files(digest, folder)
    else:
        digest.update(f"{name} {revision}".encode())
    return SentimentModel(source, labels, classes, precision, digest.hexdigest()[:16])


class SentimentClassifier:
    """A model, loaded once per actor.

    Args:
        model: Which one.
        device: 'cpu' or 'cuda'.

    Raises:
        ConfigError: It cannot be loaded, or lacks weights.
    """

    def __init__(self, model: SentimentModel, device: str = "cpu") -> None:
        self._classes = model.classes
        self._classifier = SequenceClassifier(model.source, device, model.precision)

    def scores(self, texts: Sequence[str]) -> dict[str, pa.Array]:
        """Columns p_pos, p_neg, p_neu (null without a neutral class) and precision, in the order of the texts."""
        found = self._classifier.probabilities(texts)
        neutral = self._classes.neutral
        return {
            "p_pos": pa.array(found[:, self._classes.positive]),
            "p_neg": pa.array(found[:, self._classes.negative]),
            "p_neu": pa.nulls(len(texts), pa.float64()) if neutral is None else pa.array(found[:, neutral]),
            "precision": pa.array([self._classifier.precision] * len(texts), pa.string()),
        }


def _add_files(digest: "hashlib._Hash", folder: Path) -> None:
    """Every file of the folder by name and content; whatever changes there is another model."""
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        digest.update(f"{path.name}\n".encode())
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
        except OSError as error:
            raise ConfigError(f"cannot read {path} of the sentiment model: {error.strerror or error}") from error
