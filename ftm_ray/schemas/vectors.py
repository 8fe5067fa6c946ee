"""Vectors of sentences, which a run keeps where it is asked to (`keep_vectors`)."""

import pyarrow as pa

from ftm_ray.schemas.columns import required

#: Folder of the published table, beside those of PUBLISHED.
SENTENCE_VECTORS = "sentence_vectors"


def kept_vectors_schema(dim: int) -> pa.Schema:
    """What the map writes of one batch of firms: a row per sentence that was not left out, in order.

    Args:
        dim: Length of a vector, which is the encoder's.
    """
    return pa.schema(
        [
            required("sentence_id", pa.string()),
            required("vector", pa.binary(dim)),  # dim whole numbers from -127 to 127, a byte each
            required("scale", pa.float32()),  # a vector is its numbers times this
        ]
    )


def sentence_vectors_schema(dim: int) -> pa.Schema:
    """The published table."""
    published = [required("firm_id", pa.string()), *kept_vectors_schema(dim)]
    return pa.schema([*published, required("quarter", pa.string()), required("run_id", pa.string())])
