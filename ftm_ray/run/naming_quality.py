"""What the names of a whole run are worth: how far they are borne out, how many labels differ, and the worst of them.

One good answer proves little, and no guard sees more than one. Here all names are seen at once, beside the sentences of
all firms; the gates of the run (`gates.py`) decide on these numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ftm_ray.naming.label_counts import distinct_ratio
from ftm_ray.naming.support import nearness, support
from ftm_ray.schemas.parts import SummarySource
from ftm_ray.schemas.published import THEMES
from ftm_ray.text.keyword_names import Name
from ftm_ray.text.numbered_labels import without_number
from ftm_ray.vectors.unit_vectors import Vectors

#: What of a name is measured.
_NAME = pa.schema([THEMES.field(name) for name in ("label", "summary_source", "word_support", "unsupported")])

#: So many of the worst names are shown where a run is refused, with so many sentences each.
_N_WORST = 3
_N_SENTENCES = 2


@dataclass(frozen=True, slots=True)
class NamingQuality:
    """Numbers over the names that an LLM gave.

    Attributes:
        n_named: How many there are.
        n_compared: Of these, those that could be compared with other firms'.
        support_auc: Area under the curve of own against shuffled sentences; 0.5 is chance, null = none was compared.
        distinct_labels: Different labels among a hundred topics, as a share.
        n_unsupported: Names with a place, person, firm or product in them that nobody said.
        worst: Rows of those with the least support, worst first.
    """

    n_named: int = 0
    n_compared: int = 0
    support_auc: float | None = None
    distinct_labels: float | None = None
    n_unsupported: int = 0
    worst: tuple[int, ...] = field(default=())


def measure_names(
    names: pa.Table, texts: Vectors, own: Vectors, groups: Sequence[str]
) -> tuple[NamingQuality, list[float | None]]:
    """Compare names with what they were written from, and with what others were.

    Args:
        names: The columns label, summary_source, word_support and unsupported: of topics, or of themes.
        texts: (n, dim) unit vectors of their texts.
        own: (n, dim) unit vectors of what each was written from.
        groups: The firm of each topic, or the theme; others of the same group are no others.

    Returns:
        The numbers, and the support of each row; null for names of keywords.
    """
    rows = [row for row, source in enumerate(names["summary_source"].to_pylist()) if source == SummarySource.LLM.value]
    of_llm = names.take(pa.array(rows, pa.int64()))
    found = nearness(texts[rows], own[rows], [groups[row] for row in rows])
    values = support(found, of_llm["word_support"].to_pylist())
    by_row: list[float | None] = [None] * names.num_rows
    for row, value in zip(rows, values, strict=True):
        by_row[row] = value
    known = [row for row in rows if by_row[row] is not None]
    return (
        NamingQuality(
            n_named=len(rows),
            n_compared=int((~np.isnan(found.rank)).sum()),
            support_auc=found.auc,
            distinct_labels=distinct_ratio(of_llm["label"].to_pylist()),
            n_unsupported=sum(bool(said) for said in of_llm["unsupported"].to_pylist()),
            worst=tuple(sorted(known, key=lambda row: (by_row[row] or 0.0, row))[:_N_WORST]),
        ),
        by_row,
    )


def worst_topics(topics: pa.Table, quality: NamingQuality, parts: Iterable[pa.Table]) -> list[str]:
    """The worst names of topics beside their sentences, for a person to read.

    Args:
        topics: The published table.
        quality: Says which.
        parts: All parts, which hold the sentences; read only here, where a run is refused.
    """
    chosen = {(topics["firm_id"][row].as_py(), topics["topic_id"][row].as_py()): row for row in quality.worst}
    shown = {}
    for part in parts:
        for firm in part.select(["firm_id", "topics"]).to_pylist():
            for topic in firm["topics"]:
                row = chosen.get((firm["firm_id"], topic["topic_id"]))
                if row is not None:
                    shown[row] = beside(
                        f"{topic['label']}: {topic['representation']}", topic["exemplar_texts"], "was written from"
                    )
    return [shown[row] for row in quality.worst if row in shown]


def names_table(names: Sequence[Name]) -> pa.Table:
    """Names as `measure_names` takes them: without the numbers that tell equal labels apart."""
    rows = [name.as_columns() | {"label": without_number(name.label)} for name in names]
    return pa.Table.from_pylist(rows, schema=_NAME)


def worst_themes(names: Sequence[Name], quality: NamingQuality, summaries: Sequence[Sequence[str]]) -> list[str]:
    """The worst names of themes beside the summaries that each was written from, for a person to read."""
    return [
        beside(f"{names[row].label}: {names[row].representation}", summaries[row], "was written from")
        for row in quality.worst
    ]


def beside(text: str, sentences: Sequence[str], how: str) -> str:
    """A text and the sentences that it should be about, one a line."""
    lines = [f"\n  {_short(text)}", *(f"\n    {how}: {_short(sentence)}" for sentence in sentences[:_N_SENTENCES])]
    return "".join(lines)


def _short(text: str, n_characters: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= n_characters else f"{line[:n_characters]} ..."
