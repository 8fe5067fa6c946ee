"""The published sentences of a quarter that belong to a theme, file by file, in the order of the files."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.lake.published_rows import read_columns, read_file_columns
from ftm_ray.lake.storage import Lake

_COLUMNS = ["sentence_id", "firm_id", "transcript_id", "call_date", "speaker_type", "topic_id", "raw_text"]


@dataclass(frozen=True, slots=True)
class ThemeSentences:
    """Where they lie.

    Attributes:
        lake: The lake.
        record: run.json of the run that is published.
        members: The published table theme_topics: theme_id, firm_id, topic_id, permno.
    """

    lake: Lake
    record: dict[str, Any]
    members: pa.Table

    @classmethod
    def of(cls, lake: Lake, record: dict[str, Any]) -> "ThemeSentences":
        """The sentences of a published run."""
        columns = ["theme_id", "firm_id", "topic_id", "permno"]
        return cls(lake, record, read_columns(lake, "theme_topics", record["quarter"], columns))

    @property
    def paths(self) -> list[str]:
        """The files of published sentences."""
        folder = self.lake.table_dir("sentences", self.record["quarter"])
        return [path for path in self.record["files"] if path.startswith(f"{folder}/")]

    def of_files(self) -> Iterator[pa.Table]:
        """Of each file the sentences in themes, one file in memory at a time, in their order there.

        Columns: those of the table sentences that are needed, theme_id, permno, and text_digest.
        """
        keys = _topic_keys(self.members)
        for path in self.paths:
            sentences = read_file_columns(self.lake, "sentences", self.record["quarter"], path, _COLUMNS)
            place = pc.index_in(_topic_keys(sentences), keys)
            found = sentences.filter(pc.is_valid(place))
            place = place.drop_null()
            for name in ("theme_id", "permno"):
                found = found.append_column(name, self.members[name].take(place))
            digests = pa.array([text_digest(text) for text in found["raw_text"].to_pylist()], pa.string())
            yield found.append_column("text_digest", digests)


def text_digest(text: str) -> str:
    """What makes two sentences one question to the model: every letter."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _topic_keys(table: pa.Table) -> pa.Array:
    """Firm and topic as one value; null for a sentence without topic."""
    topic_ids = pc.cast(table["topic_id"], pa.string())
    return pc.binary_join_element_wise(table["firm_id"], topic_ids, "/").combine_chunks()
