"""The prefetch store: what came in, firm by firm, and what was left out."""

from dataclasses import dataclass

import pyarrow as pa

from ftm_ray.schemas.columns import FIRM, required

SENTENCE = pa.struct(
    [
        required("sentence_id", pa.string()),
        required("transcript_id", pa.string()),
        required("call_date", pa.date32()),
        required("position", pa.int32()),
        pa.field("speaker_name", pa.string()),
        pa.field("speaker_type", pa.string()),
        pa.field("section", pa.string()),
        required("raw_text", pa.string()),
        required("cleaned_text", pa.string()),
    ]
)


#: One row per firm and quarter: what prefetch writes and the map reads. No shuffle is ever needed.
PREFETCH = pa.schema([*FIRM, required("sentences", pa.list_(SENTENCE))])


#: One row per call that came in: kept or dropped, and why.
COVERAGE = pa.schema(
    [
        required("firm_id", pa.string()),
        pa.field("firm_name", pa.string()),
        required("transcript_id", pa.string()),
        pa.field("call_date", pa.date32()),
        required("quarter", pa.string()),
        required("kept", pa.bool_()),
        pa.field("reason", pa.string()),  # why the call was dropped
        required("notes", pa.list_(pa.string())),  # what was repaired or is odd in a call, kept or not
        pa.field("permno", pa.int64()),
        pa.field("gvkey", pa.string()),
        required("n_turns", pa.int32()),
        required("n_sentences_in", pa.int32()),
        required("n_sentences_kept", pa.int32()),
        pa.field("call_time", pa.string()),  # ISO 8601, with its distance to UTC where the source says the zone
    ]
)


@dataclass(frozen=True, slots=True)
class Batch:
    """One unit of work of the map: one row group of one chunk of the prefetch store."""

    number: int  # running number over the quarter; names the part file
    chunk: str  # file name inside the quarter's prefetch folder
    row_group: int
    firm_ids: tuple[str, ...]
    n_sentences: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the prefetch store of one quarter holds. `digest` changes whenever any of it does."""

    quarter: str
    source: str  # 'files' or 'wrds'
    linked: bool  # whether the source links firms to PERMNO
    digest: str
    n_firms: int
    n_calls: int
    n_sentences: int
    batches: tuple[Batch, ...]
