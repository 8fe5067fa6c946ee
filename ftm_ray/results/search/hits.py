"""What a person gets: the best themes, topics or sentences, and the command that leads further from each."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from ftm_ray.results.search.pools import Members, theme_of_topics
from ftm_ray.results.search.request import Among
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID

HITS = pa.schema(
    [
        ("rank", pa.int32()),
        ("quarter", pa.string()),
        ("theme_id", pa.string()),
        ("theme_label", pa.string()),
        ("firm_id", pa.string()),
        ("firm_name", pa.string()),
        ("topic_id", pa.int32()),
        ("sentence_id", pa.string()),
        ("label", pa.string()),
        ("text", pa.string()),
        ("speaker_name", pa.string()),
        ("call_date", pa.date32()),
        ("n_firms", pa.int32()),
        ("n_sentences", pa.int32()),
        ("vector_rank", pa.int32()),
        ("word_rank", pa.int32()),
        ("trace", pa.string()),
    ]
)

#: What a shell reads inside double quotes.
_SHELL_SIGNS = re.compile(r"[\"$`\\!]")

#: The column that a person reads.
_TEXTS = {Among.THEMES: "description", Among.TOPICS: "representation", Among.SENTENCES: "raw_text"}


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found; what it does not have is null.

    Attributes:
        rank: From 1.
        quarter: Such as 2023Q1.
        theme_id: The theme, or the one that the topic or sentence belongs to.
        theme_label: What that is called.
        firm_id: Whose topic or sentence it is.
        firm_name: Its name.
        topic_id: The topic, or the sentence's; -1 = a sentence that fits no topic.
        sentence_id: The sentence.
        label: Of the theme or topic.
        text: Description, summary, or what was said.
        speaker_name: Who said it.
        call_date: When.
        n_firms: Of the theme.
        n_sentences: Of the theme or topic.
        vector_rank: Its place by meaning; null where it has none.
        word_rank: Its place by words; null where it has none of the question's.
        trace: The command that shows what was said, and where.
    """

    rank: int
    quarter: str
    theme_id: str | None
    theme_label: str | None
    firm_id: str | None
    firm_name: str | None
    topic_id: int | None
    sentence_id: str | None
    label: str | None
    text: str
    speaker_name: str | None
    call_date: date | None
    n_firms: int | None
    n_sentences: int | None
    vector_rank: int | None
    word_rank: int | None
    trace: str


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What was found.

    Attributes:
        question: As it was asked.
        among: themes, topics or sentences.
        quarters: That were looked through.
        n_searched: Things that passed the filters.
        encoder: What made the vectors.
        by: What the order by meaning is made of: 'vectors', or 'topics' where sentences have no vectors of their own.
        hits: Best first.
    """

    question: str
    among: str
    quarters: tuple[str, ...]
    n_searched: int
    encoder: str
    by: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Where a hit lies, and its places in the two orders.

    Attributes:
        quarter: Such as 2023Q1.
        members: What is known of the quarter.
        row: Its columns, without vectors.
        vector_rank: From 1; 0 = none.
        word_rank: From 1; 0 = none.
    """

    quarter: str
    members: Members
    row: Mapping[str, Any]
    vector_rank: int
    word_rank: int


def make_hits(root: str, found: Sequence[Found], among: Among) -> tuple[Hit, ...]:
    """Hits in the order given, each with its theme, its firm and the way on.

    Args:
        root: As it is written in commands.
        found: Best first.
        among: What they are.
    """
    themes = _themes_of(found, among)
    numbered = enumerate(zip(found, themes, strict=True), start=1)
    return tuple(_hit(root, rank, one, theme_id, _TEXTS[among]) for rank, (one, theme_id) in numbered)


def _themes_of(found: Sequence[Found], among: Among) -> list[str | None]:
    """The theme of each hit; None = a topic or sentence that is in none."""
    if among is Among.THEMES:
        return [one.row["theme_id"] for one in found]
    firms: dict[str, set[str]] = {}
    for one in found:
        firms.setdefault(one.quarter, set()).add(one.row["firm_id"])
    members = {one.quarter: one.members for one in found}
    themes = {quarter: theme_of_topics(members[quarter], of_quarter) for quarter, of_quarter in firms.items()}
    return [themes[one.quarter].get((one.row["firm_id"], one.row["topic_id"])) for one in found]


def hits_table(found: SearchAnswer) -> pa.Table:
    """The hits as a table with the columns of HITS."""
    return pa.Table.from_pylist([asdict(hit) for hit in found.hits], schema=HITS)


def _hit(root: str, rank: int, found: Found, theme_id: str | None, text: str) -> Hit:
    row, members, firm_id = found.row, found.members, found.row.get("firm_id")
    same = ("topic_id", "sentence_id", "label", "speaker_name", "call_date", "n_firms", "n_sentences")
    as_they_are: dict[str, Any] = {name: row.get(name) for name in same}
    return Hit(
        rank=rank,
        quarter=found.quarter,
        theme_id=theme_id,
        theme_label=None if theme_id is None else members.labels[theme_id],
        firm_id=firm_id,
        firm_name=None if firm_id is None else members.firm_names[firm_id],
        text=row[text],
        vector_rank=found.vector_rank or None,
        word_rank=found.word_rank or None,
        trace=_way_on(root, found.quarter, theme_id, row),
        **as_they_are,
    )


def _in_sql(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _way_on(root: str, quarter: str, theme_id: str | None, row: Mapping[str, Any]) -> str:
    """To the theme where there is one, else to what stands around it."""
    if theme_id is not None:
        return f"ftm trace {theme_id} --root {shlex.quote(root)}"
    if row["topic_id"] == OUTLIER_TOPIC_ID:
        place = f"sentence_id = {_in_sql(row['sentence_id'])}"
    else:
        place = f"firm_id = {_in_sql(row['firm_id'])} AND topic_id = {row['topic_id']}"
    question = f"SELECT call_date, speaker_name, raw_text FROM sentences WHERE {place}"
    words = f'"{question}"' if not _SHELL_SIGNS.search(question) else shlex.quote(question)
    return f"ftm sql {words} --quarter {quarter} --root {shlex.quote(root)}"
