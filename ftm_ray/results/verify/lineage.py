"""The part of `ftm verify` that looks at the registry: each theme has one id and a name of its own, and only new themes
have new ids."""

from collections import Counter

from ftm_ray.errors import SourceError
from ftm_ray.history.edges import Edge
from ftm_ray.history.registry import Entry, all_entries, current_entries, read_entry
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.results.verify.tables import Tables


def check_lineage(lake: Lake, quarter: str, run_id: str, tables: Tables) -> list[Check]:
    """Check what the registry says of a quarter; no check where it is not linked.

    Raises:
        SourceError: A file of the registry cannot be read or has another schema.
    """
    current = current_entries(all_entries(lake))
    entry = next((entry for entry in current if entry.quarter == quarter), None)
    if entry is None:
        return []
    damaged = _damaged(lake, [one for one in current if one.quarter <= quarter])
    if damaged:
        return [make_check("lineage", f"version {entry.version}", damaged)]
    rows = read_entry(lake, "lineage", entry)
    before = {
        row["theme_uid"]
        for earlier in current
        if earlier.quarter < quarter
        for row in read_entry(lake, "lineage", earlier)
    }
    problems = []
    if any(row["run_id"] != run_id for row in rows):
        problems.append(f"it was linked of run {rows[0]['run_id']}; link it again: ftm lineage {quarter}")
    linked = [row["theme_id"] for row in rows if row["theme_id"] is not None]
    if not problems and sorted(linked) != sorted(tables.themes["theme_id"].to_pylist()):
        problems.append(f"{len(linked)} themes are linked, {tables.themes.num_rows} are published, or they are others")
    counts = Counter(row["theme_uid"] for row in rows)
    problems += [f"{uid} stands for {n} themes" for uid, n in sorted(counts.items()) if n > 1]
    labels = Counter(row["theme_label"] for row in rows if row["theme_label"] is not None)
    problems += [f"{n} themes are called '{label}'" for label, n in sorted(labels.items()) if n > 1]
    new = {Edge.FIRST_QUARTER.value, Edge.SPLIT.value, Edge.EMERGE.value}
    for row in rows:
        if (row["edge"] in new) == (row["theme_uid"] in before):
            known = "is not new" if row["edge"] in new else "was never seen before"
            problems.append(f"{row['theme_uid']} ({row['edge']}) {known}")
    uids = before | set(counts)
    problems += [
        f"{row['theme_uid']} ({row['edge']}) names {row['parent_uid']}, which is no theme of this quarter or before"
        for row in rows
        if row["parent_uid"] is not None and row["parent_uid"] not in uids
    ]
    attention = [row["theme_uid"] for row in read_entry(lake, "attention", entry)]
    if attention != [row["theme_uid"] for row in rows if row["theme_id"] is not None]:
        problems.append("attention has other themes than lineage")
    return [make_check("lineage", f"{len(linked)} themes have an id over quarters, version {entry.version}", problems)]


def _damaged(lake: Lake, entries: list[Entry]) -> list[str]:
    """What is wrong with the bytes of the registry's files up to a quarter."""
    problems = []
    for entry in entries:
        for table in ("lineage", "attention"):
            try:
                lake.read_sealed(entry.path(table), [])
            except SourceError as error:
                problems.append(str(error))
    return problems
