"""The registry as readers see it: the rows that count, of quarters that are still published as they were linked."""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ftm_ray.history.registry import Entry, all_entries, current_entries, is_known, read_entry
from ftm_ray.lake.storage import Lake

logger = logging.getLogger(__name__)


def linked_entries(lake: Lake, run_ids: Mapping[str, str], as_of: date | None = None) -> list[Entry]:
    """The entries of these quarters that count; one whose quarter was published anew is left out with a word.

    Args:
        lake: Where.
        run_ids: The published run of each quarter.
        as_of: Only quarters that were over by the end of this day (UTC); None = all.
    """
    found = []
    for entry in current_entries(all_entries(lake), as_of):
        if entry.quarter not in run_ids:
            continue
        runs = set(lake.read_texts(entry.path("lineage"), "run_id"))
        if runs <= {run_ids[entry.quarter]}:
            found.append(entry)
        else:
            logger.warning(
                "%s was published anew since it was linked: its lineage is left out until `ftm lineage %s`",
                entry.quarter,
                entry.quarter,
            )
    return found


def read_rows(lake: Lake, table: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Rows of the table lineage or attention, in the order of quarters."""
    return [row for entry in entries for row in read_entry(lake, table, entry)]


def known_records(records: Sequence[dict[str, Any]], as_of: date | None) -> list[dict[str, Any]]:
    """The quarters whose themes could be known by the end of a day (UTC)."""
    return [record for record in records if is_known(record["quarter"], as_of)]
