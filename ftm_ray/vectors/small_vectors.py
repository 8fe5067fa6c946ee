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
        numbers: (n, dim) int8.
        scales: (n,) float32: a vector is its numbers times its scale.
    """

    numbers: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]

    @classmethod
    def of(cls, vectors: Vectors) -> "SmallVectors":
        """Make vectors small, (n, dim) float32."""
        largest = np.abs(vectors).max(axis=1, initial=0.0)
        scales = (np.maximum(largest, 1e-12) / _LARGEST).astype(np.float32)
        return cls(np.rint(vectors / scales[:, None]).astype(np.int8), scales)

    @classmethod
    def from_columns(cls, vectors: pa.ChunkedArray, scales: pa.ChunkedArray) -> "SmallVectors":
        """What `numbers_column` and `scales` are as columns of a table."""
        parts = [_numbers(chunk) for chunk in vectors.chunks if len(chunk)]
        joined = np.concatenate(parts) if parts else np.zeros((0, vectors.type.byte_width), dtype=np.int8)
        return cls(joined, numbers(scales))

    @property
    def shape(self) -> tuple[int, int]:
        """How many there are, and how long each is."""
        return len(self.numbers), self.numbers.shape[1]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.numbers)

    def __matmul__(self, other: Vectors) -> Vectors:
        """The cosine of each to a unit vector, (dim,) float32, as an array of vectors gives it: (n,) float32."""
        found = np.empty(len(self.numbers), dtype=np.float32)
        for start in range(0, len(self.numbers), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            found[rows] = self.numbers[rows].astype(np.float32) @ other
        return found * self.scales

    def numbers_column(self) -> pa.FixedSizeBinaryArray:
        """The numbers as a column, `dim` bytes a vector."""
        data = pa.py_buffer(np.ascontiguousarray(self.numbers))
        return pa.FixedSizeBinaryArray.from_buffers(pa.binary(self.numbers.shape[1]), len(self.numbers), [None, data])


def _numbers(chunk: pa.FixedSizeBinaryArray) -> npt.NDArray[np.int8]:
    whole = np.frombuffer(chunk.buffers()[1], dtype=np.int8).reshape(-1, chunk.type.byte_width)
    return whole[chunk.offset : chunk.offset + len(chunk)]
