"""Between Arrow and Python without pandas.

Arrow loads pandas, where it is installed, as soon as an object of Python's becomes an array or an array becomes
numpy's. That takes longer than a whole `ftm search`, so what a person waits for takes these two ways instead.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def strings(values: Iterable[str]) -> pa.StringArray:
    """An array of these strings, without nulls."""
    encoded = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def numbers(array: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """Numbers or truth values without nulls as numpy has them, (n,); not to be written to."""
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_boolean(whole.type):
        return numbers(whole.cast(pa.uint8())).astype(bool)
    if not len(whole):
        return np.zeros(0, dtype=whole.type.to_pandas_dtype())
    return np.from_dlpack(whole)
