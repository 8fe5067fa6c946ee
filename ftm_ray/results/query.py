"""Published quarters as tables to question: in a notebook through `open_results`, in a terminal through `ftm sql`.

DuckDB does the asking, in this process and without a server. It reads through pyarrow, a folder and a bucket alike, and
so needs no extension to download and no credentials of its own. Which files there are says run.json, so nothing is
listed, a half-published quarter is never read, and a question about one quarter opens the files of that quarter only.
Nothing is read before it is asked for, and then only the columns needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.calendar import known_from
from ftm_ray.lake.published_rows import damaged_table
from ftm_ray.lake.runs import files_beside
from ftm_ray.lake.storage import Lake, check_quarter
from ftm_ray.results.lineage_files import known_records, linked_entries
from ftm_ray.results.published import THEME_ID, published_records
from ftm_ray.results.search.hits import hits_table
from ftm_ray.results.search.request import make_request
from ftm_ray.results.search.searcher import Searcher
from ftm_ray.results.study_files import read_study
from ftm_ray.results.table_files import dataset, files_dataset, with_sentiment
from ftm_ray.schemas.events import EVENT_STUDY
from ftm_ray.schemas.history import HISTORY
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.sentiment import SENTIMENT_READY, SENTIMENT_TABLES

#: Every table of a run that can be asked for, by the name of its view; beside them stand those over quarters (HISTORY).
TABLES = {**PUBLISHED, "sentiment_ready": SENTIMENT_READY, **SENTIMENT_TABLES}

#: Published files never change, so what lineage knows of a theme is joined when it is asked for.
_WITH_LINEAGE = """
    CREATE VIEW {view} AS
    SELECT s.*, l.theme_uid, k.knowledge_time
    FROM _{view}_files s
    LEFT JOIN (SELECT quarter, theme_id, theme_uid FROM lineage WHERE theme_id IS NOT NULL) l USING (quarter, theme_id)
    LEFT JOIN _known k USING (quarter)
"""
_FOLLOWED = ("sentiment_ready", "theme_sentiment")

_TRACE = """
    SELECT tt.theme_id, th.label AS theme, s.firm_id, f.firm_name, f.permno, s.topic_id, t.label AS topic,
           tt.similarity, s.call_date, s.transcript_id, s.position, s.speaker_name, s.speaker_type, s.section,
           s.sentence_id, s.raw_text
    FROM theme_topics tt
    JOIN themes th USING (quarter, theme_id)
    JOIN topics t USING (quarter, firm_id, topic_id)
    JOIN sentences s USING (quarter, firm_id, topic_id)
    JOIN firms f USING (quarter, firm_id)
    WHERE tt.theme_id = $theme_id AND tt.quarter = $quarter AND s.quarter = $quarter
    ORDER BY tt.similarity DESC, s.firm_id, s.topic_id, s.call_date, s.transcript_id, s.position
"""


@dataclass(frozen=True, slots=True)
class Results:
    """Published quarters, open for questions.

    Each table is a DuckDB relation: `.df()` gives pandas, `.to_arrow_table()` Arrow, and `.filter(...)`,
    `.aggregate(...)`, `.limit(...)` narrow it before anything is read.
    """

    root: str
    quarters: tuple[str, ...]
    connection: duckdb.DuckDBPyConnection
    searcher: Searcher

    @property
    def themes(self) -> duckdb.DuckDBPyRelation:
        """One row per theme, largest first within its quarter."""
        return self.connection.view("themes")

    @property
    def topics(self) -> duckdb.DuckDBPyRelation:
        """One row per topic of a firm."""
        return self.connection.view("topics")

    @property
    def theme_topics(self) -> duckdb.DuckDBPyRelation:
        """One row per (theme, firm, topic)."""
        return self.connection.view("theme_topics")

    @property
    def sentences(self) -> duckdb.DuckDBPyRelation:
        """Every sentence of every firm: the only large table, better narrowed before it is read."""
        return self.connection.view("sentences")

    @property
    def firms(self) -> duckdb.DuckDBPyRelation:
        """One row per firm and quarter."""
        return self.connection.view("firms")

    @property
    def sentiment_ready(self) -> duckdb.DuckDBPyRelation:
        """One row per (theme, firm, topic, call) of linked firms, with theme_uid, where known, and knowledge_time."""
        return self.connection.view("sentiment_ready")

    @property
    def sentence_sentiment(self) -> duckdb.DuckDBPyRelation:
        """One row per sentence of a theme; empty where `ftm sentiment` was not run."""
        return self.connection.view("sentence_sentiment")

    @property
    def theme_sentiment(self) -> duckdb.DuckDBPyRelation:
        """One row per (theme, firm, call, speaker group), with theme_uid, where known, and knowledge_time; empty where
        `ftm sentiment` was not run."""
        return self.connection.view("theme_sentiment")

    @property
    def lineage(self) -> duckdb.DuckDBPyRelation:
        """One row per theme of a quarter, with its id over quarters, and one per theme that ended or fell silent."""
        return self.connection.view("lineage")

    @property
    def attention(self) -> duckdb.DuckDBPyRelation:
        """One row per theme of a quarter: how many speak of it, and how surprising the change is."""
        return self.connection.view("attention")

    def events(self, name: str | None = None) -> "EventStudy":
        """The tables of an event study that `ftm events` made.

        Args:
            name: Of the study; may be left out where there is only one.

        Raises:
            SourceError: There is none of that name, or several and no name.
        """
        study, tables = read_study(Lake(self.root), name)
        return EventStudy(study, **{table: self.connection.from_arrow(tables[table]) for table in EVENT_STUDY})

    def sql(self, question: str, **values: Any) -> duckdb.DuckDBPyRelation:
        """Ask in SQL over the views, which are called as the tables above.

        Args:
            question: A query; `$name` stands for a value.
            values: The values, by name.

        Raises:
            ConfigError: DuckDB cannot answer it.
        """
        try:
            return self.connection.sql(question, params=values or None)
        except duckdb.Error as error:
            raise ConfigError(f"this cannot be answered: {plain_words(error)}") from error

    def search(
        self,
        question: str,
        among: str = "topics",
        *,
        firms: Sequence[str] = (),
        kinds: Sequence[str] = (),
        limit: int = 10,
    ) -> duckdb.DuckDBPyRelation:
        """What is about a question, by meaning and by words, best first: as `ftm search` (docs/search.md).

        The first question reads vectors and words and keeps them in memory, so that the next ones take milliseconds.

        Args:
            question: In words, such as "tariffs on suppliers".
            among: 'themes', 'topics' or 'sentences'.
            firms: Only what these firms said, by firm_id; none = all.
            kinds: Only themes of these kinds, and what belongs to them; none = all.
            limit: Hits at most.

        Raises:
            ConfigError: The question is empty, a filter lets nothing through, or quarters have other encoders.
        """
        found = self.searcher.search(make_request(question, among, tuple(firms), tuple(kinds), limit))
        return self.connection.from_arrow(hits_table(found))

    def trace(self, theme_id: str) -> duckdb.DuckDBPyRelation:
        """A theme's sentences with topic, firm, speaker and date: one row each, topics nearest to its centre first.

        Raises:
            ConfigError: That is no theme of the open quarters.
        """
        match = THEME_ID.match(theme_id)
        if match is None:
            raise ConfigError(f"'{theme_id}' is no theme id; write quarter and number, such as 2023Q1-0003")
        if not self.themes.filter(f"theme_id = '{match[0]}'").aggregate("count(*)").fetchall()[0][0]:
            raise ConfigError(f"there is no theme {theme_id} in {', '.join(self.quarters)} of {self.root}")
        return self.sql(_TRACE, theme_id=theme_id, quarter=match[1])


@dataclass(frozen=True, slots=True)
class EventStudy:
    """The tables of one event study as DuckDB relations; docs/event-study.md describes their columns."""

    name: str
    events: duckdb.DuckDBPyRelation
    event_windows: duckdb.DuckDBPyRelation
    event_themes: duckdb.DuckDBPyRelation
    event_means: duckdb.DuckDBPyRelation
    event_paths: duckdb.DuckDBPyRelation
    event_regressions: duckdb.DuckDBPyRelation
    event_portfolios: duckdb.DuckDBPyRelation


def open_results(root: str, *quarters: str, as_of: date | None = None) -> Results:
    """Open published quarters for questions.

    Args:
        root: A folder or s3://bucket/prefix.
        quarters: Such as 2023Q1; none = every one that is published.
        as_of: Only quarters that were over by the end of this day (UTC); None = all.

    Raises:
        SourceError: One of them is not published, or none is, or none was over by then.
    """
    lake = Lake(root)
    records = [with_sentiment(lake, record) for record in published_records(lake, [check_quarter(q) for q in quarters])]
    records = known_records(records, as_of)
    if not records:
        raise SourceError(f"no published quarter in {lake.root} was over on {as_of}")
    # No extension is looked for: what a query needs is here, and a cluster may have no way out.
    settings: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    settings["python_scan_all_frames"] = True  # tables of the notebook, though `sql` below is called in between
    connection = duckdb.connect(":memory:", config=settings)
    for name, schema in TABLES.items():
        view = f"_{name}_files" if name in _FOLLOWED else name
        connection.register(view, dataset(lake, records, name, schema))
    entries = linked_entries(lake, {record["quarter"]: record["run_id"] for record in records}, as_of)
    for name, schema in HISTORY.items():
        files = [(entry.quarter, entry.path(name)) for entry in entries]
        connection.register(name, files_dataset(lake, files, schema))
    known = [(record["quarter"], known_from(record["quarter"])) for record in records]
    columns = {"quarter": [quarter for quarter, _ in known], "knowledge_time": [moment for _, moment in known]}
    connection.register("_known", pa.table(columns))
    for name in _FOLLOWED:
        connection.execute(_WITH_LINEAGE.format(view=name))
    searcher = Searcher(lake, records, keeps=True)
    return Results(lake.root, tuple(record["quarter"] for record in records), connection, searcher)


def answer(results: Results, question: str) -> pa.Table | None:
    """The answer to a question, read; None for a statement that has none.

    Raises:
        ConfigError: DuckDB cannot answer it.
        SourceError: ROOT cannot be read any more, for instance because the credentials have expired.
    """
    found = results.sql(question)
    return None if found is None else _read(results, found)


def read_answer(results: Results, question: str) -> pa.Table:
    """As `answer`, to a question that has one."""
    return _read(results, results.sql(question))


def _read(results: Results, found: duckdb.DuckDBPyRelation) -> pa.Table:
    """DuckDB reads files only now, so what is wrong with them is said here."""
    try:
        return found.to_arrow_table()
    except (duckdb.Error, UnicodeDecodeError) as error:  # the latter: bytes where texts should be
        _check_files(results)
        is_read = isinstance(error, duckdb.InvalidInputException | UnicodeDecodeError)
        advice = "; `ftm verify` says whether the files are whole" if is_read else ""
        raise ConfigError(f"this cannot be answered: {plain_words(error)}{advice}") from error


def _check_files(results: Results) -> None:
    """Say more clearly than DuckDB that ROOT cannot be read, or that a file of it is gone."""
    lake = Lake(results.root)
    for record in published_records(lake, results.quarters):
        files = with_sentiment(lake, record)["files"]
        gone = sorted(set(files) - files_beside(lake, files))
        if gone:
            raise damaged_table(lake, record["quarter"], f"{gone[0]} is missing")


def keep_inside(results: Results) -> None:
    """Let questions reach what is published and nothing else: no file, no network, no extension, for good.

    For who asks in SQL that somebody else wrote, as `ftm sql` may; a notebook can do all that without DuckDB anyway.
    """
    for setting in ("enable_external_access = false", "lock_configuration = true"):
        results.connection.execute(f"SET {setting}")


def plain_words(error: duckdb.Error | UnicodeDecodeError) -> str:
    """What DuckDB complains of, in one line, without the Python traceback of a file that could not be read."""
    words = " ".join(str(error).partition(" Detail: Python exception")[0].split())
    if isinstance(error, duckdb.CatalogException):  # an unknown table; DuckDB then proposes tables of its own
        return f"{words.partition(' Did you mean')[0]} The tables are {', '.join([*TABLES, *HISTORY])}"
    if isinstance(error, duckdb.PermissionException):
        return f"{words}: only what is published can be asked for; `ftm sql --out FILE` writes the answer to a file"
    return words
