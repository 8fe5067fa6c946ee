"""The topics in the parts of a map, firm by firm, for those who read them without a run.

A run holds its parts against the manifest and makes damaged ones again; a reader says which file is damaged.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from ftm_ray.errors import DamagedError
from ftm_ray.lake.published_rows import column_fault, type_fault
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.parts import FIRM_TOPICS, TOPIC

#: Lists with an entry for each sentence, of which some are null.
_OF_SENTENCES = ("topic_ids", "drop_reasons")


def part_topics(
    lake: Lake, quarter: str, map_id: str, columns: Sequence[str]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each firm with each of its topics; one part in memory at a time.

    Args:
        lake: Where they lie.
        quarter: Such as 2023Q1.
        map_id: Whose parts.
        columns: Of the firm; `topics` among them.

    Raises:
        DamagedError: A file was changed, or has no value where one must be.
        SourceError: It cannot be read.
    """
    folder = lake.parts_dir(quarter, map_id)
    for file in lake.list_files(folder):
        table = lake.read_sealed(f"{folder}/{file}", columns)
        if fault := part_fault(table):
            raise DamagedError(
                f"{lake.full_path(f'{folder}/{file}')} is damaged: {fault}; delete it and run `ftm run` again, which "
                "makes it anew"
            )
        for firm in table.to_pylist():
            for topic in firm["topics"]:
                yield firm, topic


def part_fault(table: pa.Table) -> str | None:
    """What some columns of a part have that none can have, for an error; None = nothing.

    Parts of earlier versions lack some columns of a topic.
    """
    columns = [(table[name], FIRM_TOPICS.field(name)) for name in table.column_names if name != "topics"]
    if "topics" in table.column_names:
        kind = table["topics"].type
        if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
            return f"column 'topics' is {kind}, expected a list of topics"
        topics = [chunk.flatten() for chunk in table["topics"].chunks]
        if table["topics"].null_count or any(chunk.null_count for chunk in topics):
            return "column 'topics' has empty places, expected none"
        for field in TOPIC:
            if (place := kind.value_type.get_field_index(field.name)) >= 0:
                own = pa.chunked_array([chunk.field(place) for chunk in topics], kind.value_type.field(place).type)
                columns.append((own, field))
    for column, field in columns:
        fault = type_fault(column, field) if field.name in _OF_SENTENCES else column_fault(column, field)
        if fault:
            return f"column '{field.name}' {fault}"
    return None
