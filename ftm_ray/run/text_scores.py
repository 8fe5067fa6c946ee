"""What a sentiment model said of texts, kept by the digest of each: no text is ever asked about twice.

Parts are files of some hundred texts under `intermediate/sentiment/`, a folder per model. What a text gets depends on
the text and the model alone, so parts may be cut as they come, and whoever goes on where another stopped asks only
about texts that no part has.
"""

import hashlib
import logging
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import DamagedError
from ftm_ray.lake.storage import Lake
from ftm_ray.run.loading import Loaded
from ftm_ray.run.theme_sentences import ThemeSentences
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.sentiment import SCORED_TEXTS
from ftm_ray.sentiment.classifier import SentimentClassifier, SentimentModel

logger = logging.getLogger(__name__)

#: What the actor gets.
QUESTIONS = pa.schema([pa.field("text_digest", pa.string()), pa.field("raw_text", pa.string())])


class TextScorer:
    """The actor that holds the model: texts in, one part out."""

    def __init__(self, model: SentimentModel, device: str) -> None:
        self._classifier = Loaded(lambda: SentimentClassifier(model, device))

    def __call__(self, questions: pa.Table) -> pa.Table:
        columns = {"text_digest": questions["text_digest"]}
        return pa.table(columns | self._classifier.get().scores(questions["raw_text"].to_pylist()))


class ScoreStore:
    """The parts of one quarter and model.

    Args:
        lake: Where they lie.
        quarter: Such as 2023Q1.
        model_digest: The model's.
    """

    def __init__(self, lake: Lake, quarter: str, model_digest: str) -> None:
        self._lake = lake
        self._folder = lake.scores_dir(quarter, model_digest)

    def read(self) -> pa.Table:
        """Everything that is known, as `SCORED_TEXTS`, in no order."""
        self._lake.delete_leftovers(self._folder)
        parts = [SCORED_TEXTS.empty_table()]
        for path in [f"{self._folder}/{name}" for name in self._lake.list_files(self._folder)]:
            try:
                parts.append(check_table(self._lake.read_sealed(path), SCORED_TEXTS, path))
            except DamagedError as error:
                logger.warning("the model is asked again about the texts of a damaged file: %s", error)
        return pa.concat_tables(parts)

    def write(self, part: pa.Table) -> None:
        """Keep a part, under the digest of what is in it."""
        digest = hashlib.sha256("".join(part["text_digest"].to_pylist()).encode()).hexdigest()[:20]
        self._lake.write_sealed(f"{self._folder}/{digest}.parquet", part.select(SCORED_TEXTS.names).cast(SCORED_TEXTS))


def missing_texts(sentences: ThemeSentences, known: pa.Table) -> tuple[pa.Table, int]:
    """The different texts that no part has, as `QUESTIONS`, and the number of all different texts."""
    seen: set[str] = set()
    kept = set(known["text_digest"].to_pylist())
    found = [QUESTIONS.empty_table()]
    for table in sentences.of_files():
        is_new = []
        for digest in table["text_digest"].to_pylist():
            is_new.append(digest not in seen and digest not in kept)
            seen.add(digest)
        found.append(table.select(QUESTIONS.names).filter(pa.array(is_new, pa.bool_())).cast(QUESTIONS))
    return pa.concat_tables(found), len(seen)


def blocks_of(missing: pa.Table, n_texts: int) -> Iterator[pa.Table]:
    """Tables of so many texts, the last one smaller."""
    for start in range(0, missing.num_rows, n_texts):
        yield missing.slice(start, n_texts)


def with_scores(sentences: pa.Table, known: pa.Table) -> pa.Table:
    """Sentences with what the model said of each."""
    place = pc.index_in(sentences["text_digest"], known["text_digest"].combine_chunks())
    for name in ("p_pos", "p_neg", "p_neu", "precision"):
        sentences = sentences.append_column(known.schema.field(name), known[name].take(place))
    return sentences
