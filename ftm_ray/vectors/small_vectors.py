"""Unit vectors in a quarter of their space: whole numbers from -127 to 127, and what one of them stands for.

Each vector has a scale of its own, so that its largest number becomes 127. How many of a question's nearest vectors
stay the same: docs/search.md.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ftm_ray.schemas.arrays import numbers
from ftm_ray.vectors.unit_vectors import Vectors

_LARGEST = 127

#: Vectors that are made float32 at once, to multiply: they stay in the processor's cache.
_BLOCK_ROWS = 8192


@dataclass(frozen=True, slots=True, eq=False)
class SmallVectors:
    """Vectors as whole numbers.

    Attributes:
        blocks: (n_block, dim) int8 each, in order; at least one. They stay as they were read: joining them takes as
            long as multiplying.
        scales: (n,) float32: a vector is its numbers times its scale.
    """

    blocks: tuple[npt.NDArray[np.int8], ...]
    scales: npt.NDArray[np.float32]

    @classmethod
    def of(cls, vectors: Vectors) -> "SmallVectors":
        """Make vectors small, (n, dim) float32."""
        largest = np.abs(vectors).max(axis=1, initial=0.0)
        scales = (np.maximum(largest, 1e-12) / _LARGEST).astype(np.float32)
        return cls((np.rint(vectors / scales[:, None]).astype(np.int8),), scales)

    @classmethod
    def from_columns(cls, vectors: pa.ChunkedArray, scales: pa.ChunkedArray) -> "SmallVectors":
        """What `numbers_column` and `scales` are as columns of a table."""
        blocks = tuple(_numbers(chunk) for chunk in vectors.chunks if len(chunk))
        return cls(blocks or (np.zeros((0, vectors.type.byte_width), dtype=np.int8),), numbers(scales))

    @property
    def numbers(self) -> npt.NDArray[np.int8]:
        """(n, dim) int8."""
        return self.blocks[0] if len(self.blocks) == 1 else np.concatenate(self.blocks)

    @property
    def shape(self) -> tuple[int, int]:
        """How many there are, and how long each is."""
        return len(self.scales), self.blocks[0].shape[1]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.scales)

    def __matmul__(self, other: Vectors) -> Vectors:
        """The cosine of each to a unit vector, (dim,) float32, as an array of vectors gives it: (n,) float32."""
        parts = [
            block[start : start + _BLOCK_ROWS].astype(np.float32) @ other
            for block in self.blocks
            for start in range(0, len(block), _BLOCK_ROWS)
        ]
        return np.concatenate([np.zeros(0, dtype=np.float32), *parts]) * self.scales

    def numbers_column(self) -> pa.FixedSizeBinaryArray:
        """The numbers as a column, `dim` bytes a vector."""
        whole = self.numbers
        data = pa.py_buffer(np.ascontiguousarray(whole))
        return pa.FixedSizeBinaryArray.from_buffers(pa.binary(whole.shape[1]), len(whole), [None, data])


def _numbers(chunk: pa.FixedSizeBinaryArray) -> npt.NDArray[np.int8]:
    whole = np.frombuffer(chunk.buffers()[1], dtype=np.int8).reshape(-1, chunk.type.byte_width)
    return whole[chunk.offset : chunk.offset + len(chunk)]
