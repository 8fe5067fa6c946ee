"""What can be found in one quarter: themes, topics or sentences, with their vectors and their words.

Nothing is kept beside the published tables: vectors are columns of theirs, and words are read for the question.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.lake.published_rows import PublishedRows, joined, read_columns, read_file_columns
from ftm_ray.lake.storage import Lake
from ftm_ray.results.search.request import Among
from ftm_ray.schemas.arrays import strings
from ftm_ray.schemas.vectors import SENTENCE_VECTORS
from ftm_ray.text.word_index import WordIndex
from ftm_ray.vectors.small_vectors import SmallVectors
from ftm_ray.vectors.unit_vectors import Vectors, vectors_of

#: Files that are read at once: on S3 most of the time is waiting.
_READERS = 4

_BLANK = strings([" "])[0]

_TOPIC_COLUMNS = ["firm_id", "topic_id", "label", "representation", "keywords", "n_sentences"]
_THEME_COLUMNS = ["theme_id", "label", "description", "keywords", "n_firms", "n_sentences"]
_SENTENCE_COLUMNS = ["firm_id", "sentence_id", "topic_id", "call_date", "speaker_name", "raw_text"]


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Which topics belong to which theme.

    Attributes:
        theme_topics: theme_id, firm_id, topic_id.
        labels: Of each theme.
        kinds: Of each theme; None where the quarter has none.
        firm_names: Of each firm.
    """

    theme_topics: pa.Table
    labels: PublishedRows[str, str]
    kinds: PublishedRows[str, str | None]
    firm_names: PublishedRows[str, str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The themes, topics or sentences of one quarter, in the order in which they are published.

    Attributes:
        quarter: Such as 2023Q1.
        rows: Their columns, without vectors.
        vectors: (n, dim) of each; None for sentences whose vectors were not kept.
        words: Of each: its texts, and the firm's and the speaker's names.
    """

    quarter: str
    rows: pa.Table
    vectors: Vectors | SmallVectors | None
    words: WordIndex


def read_members(lake: Lake, quarter: str) -> Members:
    """Read which topics belong to which theme, and what themes and firms are called."""
    themes = read_columns(lake, "themes", quarter, ["theme_id", "label", "kind"])
    ids = themes["theme_id"].to_pylist()
    kinds = themes["kind"].to_pylist() if "kind" in themes.column_names else [None] * len(ids)
    firms = read_columns(lake, "firms", quarter, ["firm_id", "firm_name"])
    names = zip(firms["firm_id"].to_pylist(), firms["firm_name"].to_pylist(), strict=True)
    return Members(
        theme_topics=read_columns(lake, "theme_topics", quarter, ["theme_id", "firm_id", "topic_id"]),
        labels=PublishedRows(lake, quarter, "themes", zip(ids, themes["label"].to_pylist(), strict=True)),
        kinds=PublishedRows(lake, quarter, "themes", zip(ids, kinds, strict=True)),
        firm_names=PublishedRows(lake, quarter, "firms", names),
    )


def read_pool(lake: Lake, quarter: str, among: Among, members: Members, has_vectors: bool = False) -> Pool:
    """Read what can be found in a quarter.

    Args:
        lake: Where it is published.
        quarter: Such as 2023Q1.
        among: Themes, topics or sentences.
        members: Of the quarter.
        has_vectors: Whether the vectors of its sentences are published.

    Raises:
        SourceError: A file is missing or cannot be read.
    """
    if among is Among.SENTENCES:
        return _sentences(lake, quarter, members, has_vectors)
    is_theme = among is Among.THEMES
    with ThreadPoolExecutor(1) as beside:  # half of the wait is for vectors
        vectors = beside.submit(
            lambda: vectors_of(read_columns(lake, among.value, quarter, ["embedding"])["embedding"])
        )
        table = read_columns(lake, among.value, quarter, _THEME_COLUMNS if is_theme else _TOPIC_COLUMNS)
        words = WordIndex(_joined(_texts(table, is_theme, members)))
    return Pool(quarter, table.drop_columns(["keywords"]), vectors.result(), words)


def _texts(table: pa.Table, is_theme: bool, members: Members) -> list[pa.ChunkedArray | pa.Array]:
    """What of a theme or topic is searched by words."""
    texts = [table["label"], table["description" if is_theme else "representation"]]
    texts.append(pc.binary_join(table["keywords"], _BLANK))
    return texts if is_theme else [*texts, _names(table["firm_id"], members)]


def _sentences(lake: Lake, quarter: str, members: Members, has_vectors: bool) -> Pool:
    """All sentences that were not left out; a file of vectors has one for each of those, in their order."""
    with ThreadPoolExecutor(1) as beside:
        vectors = beside.submit(_sentence_vectors, lake, quarter) if has_vectors else None
        rows = _read_all(lake, "sentences", quarter, _SENTENCE_COLUMNS)
        rows = rows.filter(pc.is_valid(rows["topic_id"]))
        words = WordIndex(_joined([rows["raw_text"], rows["speaker_name"], _names(rows["firm_id"], members)]))
    pool = Pool(quarter, rows, None if vectors is None else vectors.result(), words)
    if pool.vectors is not None and len(pool.vectors) != rows.num_rows:
        raise SourceError(
            f"{quarter} in {lake.root} has {len(pool.vectors):,} vectors for {rows.num_rows:,} sentences; "
            f"`ftm verify {quarter}` says which file is wrong"
        )
    return pool


def _sentence_vectors(lake: Lake, quarter: str) -> SmallVectors:
    kept = _read_all(lake, SENTENCE_VECTORS, quarter, ["vector", "scale"])
    return SmallVectors.from_columns(kept["vector"], kept["scale"])


def _read_all(lake: Lake, table: str, quarter: str, columns: Sequence[str]) -> pa.Table:
    """A table of many files; those who read are done before this returns."""
    folder = lake.table_dir(table, quarter)
    paths = [f"{folder}/{name}" for name in lake.list_files(folder)]
    with ThreadPoolExecutor(_READERS) as readers:
        tables = readers.map(lambda path: read_file_columns(lake, table, quarter, path, columns), paths)
        return joined(lake, table, quarter, tables)


def _names(firm_ids: pa.ChunkedArray, members: Members) -> pa.ChunkedArray:
    """The name of each row's firm; empty where it has none."""
    ids = strings(members.firm_names)
    names = strings(name or "" for name in members.firm_names.values())
    places = pc.index_in(firm_ids, ids).combine_chunks()
    if places.null_count:
        members.firm_names.require(firm_ids.unique().to_pylist())
    return names.take(places)


def _joined(texts: Sequence[pa.ChunkedArray | pa.Array]) -> pa.Array:
    """Several texts of each row as one."""
    columns = [text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text for text in texts]
    return pc.binary_join_element_wise(*columns, _BLANK, null_handling="skip")


def theme_of_topics(members: Members, firm_ids: set[str]) -> dict[tuple[str, int], str]:
    """The theme of each topic of some firms; one that is in no theme is missing."""
    table = members.theme_topics
    table = table.filter(pc.is_in(table["firm_id"], strings(sorted(firm_ids))))
    return {(row["firm_id"], row["topic_id"]): row["theme_id"] for row in table.to_pylist()}
