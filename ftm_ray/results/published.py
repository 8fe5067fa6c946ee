"""The published tables of a quarter, read for a person or a script: no more columns and files than the question needs.

Sentences lie in one file per batch of firms, and a file is opened no further than its firm ids unless a wanted firm is
in it.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.published_rows import PublishedRows, damaged_table, read_columns, read_file_columns
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.vectors import SENTENCE_VECTORS

logger = logging.getLogger(__name__)

THEME_ID = re.compile(r"^(\d{4}Q[1-4])-\d{4,}$")

TopicKey = tuple[str, int]  # firm_id, topic_id


@dataclass(frozen=True, slots=True)
class FirmName:
    """A firm by id, and by name where the source has one."""

    firm_id: str
    firm_name: str | None
    permno: int | None


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """A sentence with who said it, and when."""

    sentence_id: str
    firm: FirmName
    transcript_id: str
    call_date: date
    position: int
    speaker_name: str | None
    speaker_type: str | None
    section: str | None
    text: str


def published_records(lake: Lake, quarters: Sequence[str]) -> list[dict[str, Any]]:
    """run.json of each quarter. Where none is named, of all; an unfinished one is then left out with a word.

    Raises:
        SourceError: One of them is not published, or nothing is.
    """
    if quarters:
        return [published_record(lake, quarter) for quarter in dict.fromkeys(quarters)]
    records = []
    for quarter in quarters_there(lake):
        try:
            records.append(published_record(lake, quarter))
        except (SourceError, ConfigError) as error:
            logger.warning("left out: %s", error)
    if not records:
        raise SourceError(f"nothing is published in {lake.root}; run `ftm prefetch` and `ftm run` first")
    return records


def quarters_there(lake: Lake) -> list[str]:
    """Every quarter that has tables; their publication may not be finished."""
    return [folder.removeprefix("quarter=") for folder in lake.list_folders("processed/firms")]


def vector_files(lake: Lake, record: Mapping[str, Any]) -> list[str]:
    """The files of sentences' vectors that a run.json lists; none where the run kept none."""
    folder = lake.table_dir(SENTENCE_VECTORS, record["quarter"])
    return [path for path in record["files"] if path.startswith(f"{folder}/")]


def read_firm_names(lake: Lake, quarter: str) -> PublishedRows[str, FirmName]:
    """All firms of the quarter by id."""
    rows = read_columns(lake, "firms", quarter, ["firm_id", "firm_name", "permno"]).to_pylist()
    return PublishedRows(lake, quarter, "firms", ((row["firm_id"], FirmName(**row)) for row in rows))


def exemplar_keys(lake: Lake, quarter: str, texts: Iterable[str]) -> list[TopicKey]:
    """Exemplar topics of a theme, 'firm_id/topic_id', as keys; a firm id may itself hold a slash.

    Raises:
        DamagedError: One is no such key.
    """
    parts = [text.rpartition("/") for text in texts]
    wrong = [text for text, part in zip(texts, parts, strict=True) if not part[2].isdecimal()]
    if wrong:
        raise damaged_table(lake, quarter, f"themes has '{wrong[0]}' for an exemplar topic, expected firm_id/topic_id")
    return [(firm_id, int(topic_id)) for firm_id, _, topic_id in parts]


def topic_keys(table: pa.Table) -> list[TopicKey]:
    """The topic of each row: firm_id and topic_id."""
    return list(zip(table["firm_id"].to_pylist(), table["topic_id"].to_pylist(), strict=True))


def read_topics(
    lake: Lake, quarter: str, keys: Iterable[TopicKey], columns: Sequence[str]
) -> PublishedRows[TopicKey, dict[str, Any]]:
    """Some topics of some firms."""
    wanted = set(keys)
    table = read_columns(lake, "topics", quarter, ["firm_id", "topic_id", *columns])
    table = table.filter(pc.is_in(table["firm_id"], pa.array({firm_id for firm_id, _ in wanted}, pa.string())))
    rows = (((row["firm_id"], row["topic_id"]), row) for row in table.to_pylist())
    return PublishedRows(lake, quarter, "topics", ((key, row) for key, row in rows if key in wanted))


def read_sentences(
    lake: Lake, quarter: str, names: Mapping[str, FirmName], firm_ids: set[str], wanted: set[str]
) -> PublishedRows[str, SpokenSentence]:
    """The wanted sentences by id, file by file; files without one of the firms are not read."""
    columns = ["sentence_id", "firm_id", "transcript_id", "call_date", "position"]
    columns += ["speaker_name", "speaker_type", "section", "raw_text"]
    folder = lake.table_dir("sentences", quarter)
    found = PublishedRows[str, SpokenSentence](lake, quarter, "sentences", ())
    for name in lake.list_files(folder):
        if len(found) == len(wanted):
            break
        path = f"{folder}/{name}"
        held = read_file_columns(lake, "sentences", quarter, path, ["firm_id"])["firm_id"].unique().to_pylist()
        if firm_ids.isdisjoint(held):
            continue
        table = read_file_columns(lake, "sentences", quarter, path, columns)
        for row in table.filter(pc.is_in(table["sentence_id"], pa.array(wanted, pa.string()))).to_pylist():
            firm, text = names[row.pop("firm_id")], row.pop("raw_text")
            found[row["sentence_id"]] = SpokenSentence(firm=firm, text=text, **row)
    return found
