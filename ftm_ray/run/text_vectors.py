"""Vectors of the LLM's texts, which the themes are made from: of a whole quarter a quarter of an hour of a core.

They are encoded in blocks of one size, whose padding reaches the last bits of a vector: the same texts give the same
bytes whether one process encodes all of them or many do (`datasets.embedded_on_ray`).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from ftm_ray.config import EmbedSettings
from ftm_ray.run.loading import Loaded
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.unit_vectors import Vectors, vectors_of

#: Large enough that texts of one length meet, small enough that many workers get some: 10 s of a core.
TEXTS_IN_BLOCK = 1024

#: From so many texts on, workers are worth their start, which takes each 10 s of a core.
TEXTS_WORTH_WORKERS = 4 * TEXTS_IN_BLOCK

#: Encodes texts on workers: (n_texts, dim) float32, unit L2 norm, in the order given.
EmbedTexts = Callable[[Sequence[str]], Vectors]


class TextEmbedder:
    """The actor that encodes: blocks of texts in, their vectors out. One row is one block."""

    def __init__(self, settings: EmbedSettings, device: str) -> None:
        self._encoder = Loaded(lambda: SentenceEncoder(settings, device))

    def __call__(self, blocks: pa.Table) -> pa.Table:
        encoder = self._encoder.get()
        vectors = [encoder.encode(texts).tolist() for texts in blocks["texts"].to_pylist()]
        kind = pa.list_(pa.list_(pa.float32()))
        return pa.table({"block": blocks["block"], "vectors": pa.array(vectors, kind)})


def blocks_of_texts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in blocks, in order."""
    for start in range(0, len(texts), TEXTS_IN_BLOCK):
        yield texts[start : start + TEXTS_IN_BLOCK]


def as_tables(texts: Sequence[str]) -> Iterator[pa.Table]:
    """What the actor gets: a table of one row for each block."""
    for number, block in enumerate(blocks_of_texts(texts)):
        yield pa.table({"block": [number], "texts": pa.array([list(block)], pa.list_(pa.string()))})


def in_order(found: Sequence[pa.Table]) -> Vectors:
    """The vectors of all blocks, in the order of the texts."""
    table = pa.concat_tables(found).sort_by("block")
    return vectors_of(pa.chunked_array([chunk.flatten() for chunk in table["vectors"].chunks]))


def embedded(texts: Sequence[str], load: Callable[[], SentenceEncoder], on_workers: EmbedTexts | None) -> Vectors:
    """Encode texts, here or on workers; where changes no byte.

    Args:
        texts: Not empty.
        load: Gives the encoder of this process.
        on_workers: Encodes elsewhere; None = it cannot.

    Returns:
        (n_texts, dim) float32, unit L2 norm, in the order given.
    """
    if on_workers is not None and len(texts) >= TEXTS_WORTH_WORKERS:
        return on_workers(texts)
    encoder = load()
    return np.concatenate([encoder.encode(block) for block in blocks_of_texts(texts)])
