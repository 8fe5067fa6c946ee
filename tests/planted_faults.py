"""Faults that somebody plants in the rows of a lake (whole_quarter.py), with hashes and digests that agree with them.

What `ftm verify` must find, and what no command that reads may fall over.
"""

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from invented import QUARTER
from published import NEXT

from ftm_ray.lake.runs import with_digest


def path_of(name, quarter=QUARTER):
    return f"processed/{name}/quarter={quarter}/part-00000.parquet"


def forge(lake, path, edit):
    """Rewrite a published file, and its hash in run.json or sentiment.json."""
    table = edit(lake.read_table(path))
    lake.write_table(path, table)
    for record_path in Path(lake.root).glob(f"runs/quarter={QUARTER}/*/*.json"):
        at = str(record_path.relative_to(lake.root))
        record = lake.read_json(at)
        if path in record["files"]:
            record["files"][path] = lake.fingerprint(path) | {"rows": table.num_rows}
            lake.write_json(at, with_digest(record))


def forge_record(lake, edit):
    (path,) = Path(lake.root).glob(f"runs/quarter={QUARTER}/*/run.json")
    record = lake.read_json(str(path.relative_to(lake.root)))
    edit(record)
    lake.write_json(str(path.relative_to(lake.root)), with_digest(record))


def forge_registry(lake, table, edit):
    path = f"processed/{table}/quarter={QUARTER}/version-00001.parquet"
    lake.write_sealed(path, edit(lake.read_table(path)))


def setting(name, value, row=0):
    """An edit of one value."""

    def edit(table):
        at = table.schema.get_field_index(name)
        values = table[name].to_pylist()
        values[row] = value
        return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))

    return edit


def without_row(table):
    return table.slice(1)


def doubled(table):
    return pa.concat_tables([table, table.slice(0, 1)])


def without_firm(table):
    return table.filter(pc.not_equal(table["firm_id"], "F1"))


def without_theme(table):
    return table.filter(pc.not_equal(table["theme_id"], f"{QUARTER}-0001"))


def empty(table):
    return table.slice(0, 0)


def without_column(name):
    return lambda table: table.drop_columns([name])


def as_text(name):
    """An edit that gives a column another type."""

    def edit(table):
        values = [None if value is None else str(value) for value in table[name].to_pylist()]
        return table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))

    return edit


def null(name):
    """An edit that makes one value null, whatever the schema says of the column."""

    def edit(table):
        at = table.schema.get_field_index(name)
        values = [None, *table[name].to_pylist()[1:]]
        return table.set_column(at, name, pa.array(values, table.schema.field(at).type))

    return edit


def plant(table, edit):
    return lambda lake: forge(lake, path_of(table), edit)


def delete(pattern):
    def act(lake):
        found = sorted(Path(lake.root).glob(pattern))
        assert found, pattern
        found[0].unlink()

    return act


def other_partition(lake):
    """The sentences of the other quarter's folder in this one's place."""
    shutil.copy(f"{lake.root}/{path_of('themes', NEXT)}", f"{lake.root}/{path_of('themes')}")
    forge(lake, path_of("themes"), lambda table: table)


def swapped_parts(lake):
    first, second = sorted(Path(lake.root).glob("intermediate/firm-topics/*/*/*.parquet"))[:2]
    shutil.copy(first, second)


ROW_FAULTS = {
    "missing published file": (delete(path_of("topics")), "files"),
    "missing sentences file": (delete("processed/sentences/*/part-00001.parquet"), "files"),
    "missing chunk": (delete("prefetch/transcripts/*/chunk_0000.parquet"), "store"),
    "missing coverage": (delete("prefetch/transcripts/*/coverage.parquet"), "store"),
    "missing part": (delete("intermediate/firm-topics/*/*/part-00001.parquet"), "parts"),
    "missing kept vectors": (delete("intermediate/sentence-vectors/*/*/part-00001.parquet"), "kept vectors"),
    "missing vectors": (delete("processed/sentence_vectors/*/part-00001.parquet"), "files"),
    "missing attention": (delete(f"processed/attention/quarter={QUARTER}/*.parquet"), "lineage"),
    "missing sentiment": (delete(f"processed/theme_sentiment/quarter={QUARTER}/*.parquet"), "sentiment"),
    "orphan topic": (plant("topics", setting("firm_id", "F9")), "chain"),
    "orphan sentence": (plant("sentences", setting("firm_id", "F9")), "sentence counts"),
    "sentence of no topic": (plant("sentences", setting("topic_id", 77)), "chain"),
    "theme of no topic": (plant("theme_topics", setting("topic_id", 77)), "theme topics"),
    "topic of no theme": (plant("theme_topics", setting("theme_id", f"{QUARTER}-0099")), "theme topics"),
    "row missing of firms": (plant("firms", without_row), "firm counts"),
    "row missing of topics": (plant("topics", without_row), "topic counts"),
    "row missing of themes": (plant("themes", without_row), "theme topics"),
    "row missing of theme_topics": (plant("theme_topics", without_row), "topic counts"),
    "row missing of sentences": (plant("sentences", without_row), "sentence counts"),
    "row double of firms": (plant("firms", doubled), "firm counts"),
    "row double of topics": (plant("topics", doubled), "topic counts"),
    "row double of themes": (plant("themes", doubled), "themes"),
    "row double of theme_topics": (plant("theme_topics", doubled), "theme topics"),
    "row double of sentences": (plant("sentences", doubled), "chain"),
    "firm missing everywhere but in sentences": (plant("firms", without_firm), "sentence counts"),
    "wrong count of a firm": (plant("firms", setting("n_topics", 9)), "topic counts"),
    "wrong count of a topic": (plant("topics", setting("n_sentences", 9)), "chain"),
    "wrong count of a theme": (plant("themes", setting("n_topics", 9)), "themes"),
    "wrong count in run.json": (
        lambda lake: forge_record(lake, lambda r: r["counts"].update(n_topics=9)),
        "topic counts",
    ),
    "wrong number of themes in run.json": (
        lambda lake: forge_record(lake, lambda r: r["quality"].update(n_themes=9)),
        "themes",
    ),
    "wrong rows in run.json": (
        lambda lake: forge_record(lake, lambda r: r["files"][path_of("topics")].update(rows=9)),
        "rows",
    ),
    "mixed runs in firms": (plant("firms", setting("run_id", "2024Q1-0", -1)), "run id"),
    "mixed runs in sentences": (plant("sentences", setting("run_id", "2024Q1-0")), "run id"),
    "mixed runs in theme_topics": (plant("theme_topics", setting("run_id", "2024Q1-0")), "run id"),
    "mixed runs in vectors": (plant("sentence_vectors", setting("run_id", "2024Q1-0")), "vectors"),
    "wrong partition": (other_partition, "theme topics"),
    "file of another run": (
        lambda lake: shutil.copy(
            f"{lake.root}/{path_of('themes')}", f"{lake.root}/{path_of('themes').replace('00000', '00009')}"
        ),
        "leftovers",
    ),
    "call of another quarter": (plant("sentences", setting("call_date", date(2023, 1, 1))), "sentiment-ready"),
    "part of another batch": (swapped_parts, "parts"),
    "theme_uid that was never seen": (
        lambda lake: forge_registry(lake, "lineage", setting("parent_uid", "U1999Q1-0001")),
        "lineage",
    ),
    "theme_uid of no theme in attention": (
        lambda lake: forge_registry(lake, "attention", setting("theme_uid", "U1999Q1-0001")),
        "lineage",
    ),
    "theme of no quarter in lineage": (
        lambda lake: forge_registry(lake, "lineage", setting("theme_id", f"{QUARTER}-0099")),
        "lineage",
    ),
    "theme twice in lineage": (lambda lake: forge_registry(lake, "lineage", doubled), "lineage"),
    "sentiment of another theme": (plant("sentence_sentiment", setting("theme_id", f"{QUARTER}-0099")), "sentiment"),
    "probabilities above 1": (plant("sentence_sentiment", setting("p_pos", 1.5)), "sentiment"),
    "theme without topics": (plant("theme_topics", without_theme), "themes"),
    "firm of no topic in a theme": (plant("theme_topics", setting("firm_id", "F9")), "theme topics"),
    "exemplar that nobody said": (plant("topics", setting("exemplar_ids", ["nobody_0001"])), "chain"),
    "sentence of a topic that nobody said": (plant("topics", setting("sentence_ids", ["nobody_0001"])), "chain"),
    "exemplar topic of no firm": (plant("themes", setting("exemplar_topic_ids", ["F9/77"])), "themes"),
    "exemplar topic that is no key": (plant("themes", setting("exemplar_topic_ids", ["nothing", "F1/x"])), "themes"),
    "top firm that does not exist": (plant("themes", setting("top_firms", ["F9"])), "themes"),
    "no topics": (plant("topics", empty), "topic counts"),
    "no themes": (plant("themes", empty), "theme topics"),
    "no members": (plant("theme_topics", empty), "themes"),
    "no sentences": (plant("sentences", empty), "sentence counts"),
    "short vector": (plant("topics", setting("embedding", [1.0, 0.0])), "schemas"),
    "short vector of a theme": (plant("themes", setting("embedding", [1.0])), "schemas"),
    "column gone from topics": (plant("topics", without_column("label")), "schemas"),
    "column gone from themes": (plant("themes", without_column("n_firms")), "schemas"),
    "column gone from sentences": (plant("sentences", without_column("raw_text")), "schemas"),
    "text instead of numbers in firms": (plant("firms", as_text("permno")), "schemas"),
    "text instead of numbers in theme_topics": (plant("theme_topics", as_text("similarity")), "schemas"),
    "text instead of days": (plant("sentences", as_text("call_date")), "schemas"),
    "theme without a label": (plant("themes", null("label")), "schemas"),
    "theme without a list of keywords": (plant("themes", null("keywords")), "schemas"),
    "theme with an empty keyword": (plant("themes", setting("keywords", [None])), "schemas"),
    "topic without a summary": (plant("topics", null("representation")), "schemas"),
    "sentence without words": (plant("sentences", null("raw_text")), "schemas"),
    "sentence without a day": (plant("sentences", null("call_date")), "schemas"),
    "firm without an id": (plant("firms", null("firm_id")), "schemas"),
    "attention of a theme is missing": (lambda lake: forge_registry(lake, "attention", without_row), "lineage"),
    "theme missing in lineage": (lambda lake: forge_registry(lake, "lineage", without_row), "lineage"),
    "sentiment without a theme": (plant("sentence_sentiment", null("theme_id")), "sentiment"),
    "text instead of numbers in sentiment": (plant("theme_sentiment", as_text("n_sentences")), "sentiment"),
}
