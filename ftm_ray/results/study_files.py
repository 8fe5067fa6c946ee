"""Event studies as files under ROOT/events/NAME: seven tables, and study.json, written last."""

from typing import Any

import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.events.study import Study
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.events import EVENT_STUDY


def write_study(lake: Lake, name: str, record: dict[str, Any], study: Study) -> str:
    """Write a study's tables, and study.json last, in place of an earlier study of that name; returns its folder.

    Args:
        lake: Where.
        name: Of the study.
        record: What it was made of.
        study: The study.
    """
    folder = study_dir(name)
    lake.delete_file(f"{folder}/study.json")  # until all tables are there, there is no study
    for table_name, table in study.tables.items():
        lake.write_table(f"{folder}/{table_name}.parquet", table)
    lake.write_json(f"{folder}/study.json", record | {"n_refused_signals": study.n_refused_signals})
    return lake.full_path(folder)


def read_study(lake: Lake, name: str | None) -> tuple[str, dict[str, pa.Table]]:
    """Name and tables of a written study: the one of this name, or the only one.

    Raises:
        SourceError: There is none of that name, or several and no name.
    """
    names = [folder for folder in lake.list_folders("events") if lake.exists(f"{study_dir(folder)}/study.json")]
    if name is None and len(names) == 1:
        name = names[0]
    if name is None or name not in names:
        there = f"there are {', '.join(names)}" if names else "there is none; make one with `ftm events`"
        wanted = f"no event study '{name}'" if name else "say which event study"
        raise SourceError(f"{wanted} in {lake.full_path('events')}: {there}")
    return name, {table: lake.read_table(f"{study_dir(name)}/{table}.parquet") for table in EVENT_STUDY}


def study_dir(name: str) -> str:
    """Folder of a study."""
    return f"events/{name}"
