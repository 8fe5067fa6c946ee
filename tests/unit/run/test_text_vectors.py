"""The LLM's texts as vectors: in one process or in many, the same bytes."""

import numpy as np
import pytest
from invented import SENTENCES

from ftm_ray.config import EmbedSettings
from ftm_ray.errors import ConfigError
from ftm_ray.run import text_vectors
from ftm_ray.run.text_vectors import TextEmbedder, as_tables, embedded, in_order
from ftm_ray.vectors.encoder import SentenceEncoder

SETTINGS = EmbedSettings(precision="fp32")
TEXTS = [f"{sentence} Said {number} times." for number in range(3) for sentence in SENTENCES]


@pytest.fixture(scope="module")
def encoder():
    return SentenceEncoder(SETTINGS)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(text_vectors, "TEXTS_IN_BLOCK", 7)


def nobody(texts):
    raise AssertionError(f"{len(texts)} texts are not worth workers")


def test_blocks_that_come_back_in_another_order_give_the_vectors_in_the_order_of_the_texts(encoder):
    embedder = TextEmbedder(SETTINGS, "cpu")
    tables = [embedder(table) for table in as_tables(TEXTS)]
    assert len(tables) > 2
    vectors = in_order(tables[::-1])
    assert np.array_equal(vectors, embedded(TEXTS, lambda: encoder, None))
    assert np.allclose(vectors, encoder.encode(TEXTS), atol=1e-5)
    assert vectors.dtype == np.float32


def test_few_texts_are_encoded_here_and_many_by_workers(encoder, monkeypatch):
    here = embedded(TEXTS, lambda: encoder, nobody)
    assert here.shape == (len(TEXTS), encoder.dim)
    monkeypatch.setattr(text_vectors, "TEXTS_WORTH_WORKERS", len(TEXTS))
    assert embedded(TEXTS, lambda: encoder, lambda texts: -here[: len(texts)])[0, 0] == -here[0, 0]


def test_a_model_that_cannot_be_loaded_is_said_when_the_actor_is_asked():
    embedder = TextEmbedder(EmbedSettings(model="no/such-model"), "cpu")
    with pytest.raises(ConfigError, match="no/such-model"):
        embedder(next(as_tables(TEXTS)))
