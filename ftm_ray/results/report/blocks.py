"""The blocks of a page: tables as numbers and JSON, compressed, in letters that can stand in HTML.

Five kinds, each in a `<script type="text/plain">` of its own, gzip in base64, which no text can break out of:
`themes` (JSON: themes, firms, quality), `map` (numbers of each topic), `words` (JSON) and `text` (labels, summaries,
keywords as numbers of words: coded_texts.py) are read at once, and `spoken-0`, `spoken-1` ... (JSON: sentences of 500
topics each) only when somebody looks at one of their topics.
"""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ftm_ray.errors import ConfigError
from ftm_ray.results.report.content import PageQuarter, Spoken
from ftm_ray.results.report.layout import Places
from ftm_ray.results.report.quality import quality_lines
from ftm_ray.schemas.parts import SummarySource

#: Topics whose sentences lie in one block: 300 kB, unpacked in 15 ms.
TOPICS_PER_BLOCK = 500

#: In the column `support`: not known.
_UNKNOWN = 255

_LARGEST = 65_535

#: Columns of the themes that the page shows as they are.
_AS_PUBLISHED = (
    *("theme_id", "label", "keywords", "kind", "stability", "n_firms", "n_topics", "n_sentences"),
    *("unsupported", "group_label", "edge", "parent_uid"),
)
_ROUNDED = ("cohesion", "stability_seeds", "stability_firms", "support", "firm_share", "change", "surprise")


def packed(content: bytes) -> str:
    """Compressed, in letters; the same bytes whenever it is done."""
    return base64.b64encode(gzip.compress(content, compresslevel=6, mtime=0)).decode("ascii")


def packed_json(value: Any) -> str:
    """A value as JSON, compressed, in letters."""
    return packed(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def map_numbers(quarters: Sequence[PageQuarter], places: Sequence[Places], firm_ids: Sequence[str]) -> bytes:
    """Numbers of all topics, column after column: x, y, theme, firm, topic_id, n_sentences (uint16), then similarity
    to its theme and support in hundredths (uint8, 255 = not known).

    `theme` is the theme's place in the block `themes`, from 1; 0 is a topic in no theme.

    Args:
        quarters: In the order of time.
        places: Of the topics of each quarter.
        firm_ids: In the order in which the page numbers firms.

    Raises:
        ConfigError: There are more themes or firms than the page can number.
    """
    n_themes = sum(len(quarter.themes) for quarter in quarters)
    if max(n_themes, len(firm_ids)) >= _LARGEST:
        raise ConfigError(
            f"one page holds at most {_LARGEST:,} themes and firms, got {n_themes:,} and {len(firm_ids):,}; "
            "give fewer quarters with --from"
        )
    firm_number = {firm_id: number for number, firm_id in enumerate(firm_ids)}
    columns: list[list[npt.NDArray[Any]]] = []
    for quarter, place, first_theme in zip(quarters, places, _starts(quarters), strict=True):
        themes, similarities = _memberships(quarter, first_theme)
        firms = np.array([firm_number[firm_id] for firm_id in quarter.topics["firm_id"].to_pylist()], dtype=np.uint16)
        support = _hundredths(quarter.topics["support"].to_pylist())
        counts = [_uint16(quarter.topics[name]) for name in ("topic_id", "n_sentences")]
        columns.append([place[:, 0], place[:, 1], themes, firms, *counts, similarities, support])
    return b"".join(
        np.concatenate(column).astype(column[0].dtype.newbyteorder("<")).tobytes()
        for column in zip(*columns, strict=True)
    )


def theme_lines(quarters: Sequence[PageQuarter], firm_ids: Sequence[str], spoken_words: bool) -> list[dict[str, Any]]:
    """The themes of all quarters as the page reads them.

    Args:
        quarters: In the order of time.
        firm_ids: In the order in which the page numbers firms.
        spoken_words: Whether words of a call may stand on the page.
    """
    firm_number = {firm_id: number for number, firm_id in enumerate(firm_ids)}
    lines = []
    first_topic = 0
    for number, quarter in enumerate(quarters):
        rows = {f"{firm_id}/{topic_id}": row for row, (firm_id, topic_id) in enumerate(quarter.topic_keys())}
        n_done = quarter.record["counts"]["n_done"]
        for theme in quarter.themes:
            line = {name: theme[name] for name in _AS_PUBLISHED}
            line |= {name: _rounded(theme[name]) for name in _ROUNDED}
            line |= {"quarter": number, "uid": theme["theme_uid"] or theme["theme_id"]}
            line["share"] = line.pop("firm_share") or _rounded(theme["n_firms"] / max(n_done, 1))
            line["label"] = _label(theme, spoken_words)
            # A name of before may be the beginning of a sentence where it had no keywords; nobody knows here.
            line["name_over_quarters"] = theme["theme_label"] if spoken_words else None
            line["text"] = _summary(theme["description"], theme) or (theme["description"] if spoken_words else "")
            line["named_by_llm"] = _is_by_llm(theme)
            line["firms"] = [firm_number[firm_id] for firm_id in theme["top_firms"]]
            line["exemplars"] = [first_topic + rows[key] for key in theme["exemplar_topic_ids"]]
            lines.append(line)
        first_topic += quarter.topics.num_rows
    return lines


def theme_block(
    quarters: Sequence[PageQuarter], firm_ids: Sequence[str], n_exemplars: int, version: str
) -> dict[str, Any]:
    """What the page reads first: themes, firms, ends of themes, quality, and what the page itself holds."""
    names: dict[str, Any] = {}
    for quarter in quarters:
        names |= quarter.firms  # the latest quarter knows a firm's name best
    firms = [names[firm_id] for firm_id in firm_ids]
    number = {quarter.quarter: place for place, quarter in enumerate(quarters)}
    ends = [
        {name: row[name] for name in ("theme_uid", "edge", "parent_uid")} | {"quarter": number[quarter.quarter]}
        for quarter in quarters
        for row in quarter.ends
    ]
    return {
        "version": version,
        "quarters": list(number),
        "n_topics": [quarter.topics.num_rows for quarter in quarters],
        "n_exemplars": n_exemplars,
        "topics_per_block": TOPICS_PER_BLOCK,
        "firms": [{"id": firm.firm_id, "name": firm.firm_name, "permno": firm.permno} for firm in firms],
        "themes": theme_lines(quarters, firm_ids, n_exemplars > 0),
        "ends": ends,
        "quality": [quality_lines(quarter.record) for quarter in quarters],
    }


def texts_of_topics(quarters: Sequence[PageQuarter], spoken_words: bool) -> tuple[list[str], list[str], list[str]]:
    """Label, summary and keywords of each topic; the summary is empty where no LLM wrote one.

    A name made of keywords holds a sentence of the call: keywords and sentences stand on the page anyway, and a page
    without spoken words must not have it.
    """
    labels: list[str] = []
    summaries: list[str] = []
    keywords: list[str] = []
    columns = ["label", "representation", "keywords", "summary_source"]
    for quarter in quarters:
        for topic in quarter.topics.select(columns).to_pylist():
            labels.append(_label(topic, spoken_words))
            summaries.append(_summary(topic["representation"], topic))
            keywords.append(", ".join(topic["keywords"]))
    return labels, summaries, keywords


def spoken_blocks(topics: Sequence[Sequence[Spoken]]) -> Iterator[Sequence[Sequence[Spoken]]]:
    """The sentences of all topics, 500 topics at a time."""
    for start in range(0, len(topics), TOPICS_PER_BLOCK):
        yield topics[start : start + TOPICS_PER_BLOCK]


def _starts(quarters: Sequence[PageQuarter]) -> list[int]:
    """The number of each quarter's first theme, from 1."""
    counts = [1, *(len(quarter.themes) for quarter in quarters)]
    return np.cumsum(counts)[:-1].tolist()


def _memberships(quarter: PageQuarter, first_theme: int) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """The theme of each topic, and how near it is to the theme's centre."""
    theme_number = {theme["theme_id"]: first_theme + place for place, theme in enumerate(quarter.themes)}
    rows = {key: row for row, key in enumerate(quarter.topic_keys())}
    themes = np.zeros(len(rows), dtype=np.uint16)
    similarities = np.full(len(rows), _UNKNOWN, dtype=np.uint8)
    for member in quarter.members.to_pylist():
        row = rows[member["firm_id"], member["topic_id"]]
        themes[row] = theme_number[member["theme_id"]]
        similarities[row] = _hundredths([member["similarity"]])[0]
    return themes, similarities


def _hundredths(values: Sequence[float | None]) -> npt.NDArray[np.uint8]:
    return np.array([_UNKNOWN if value is None else round(100 * max(value, 0)) for value in values], dtype=np.uint8)


def _uint16(column: pa.ChunkedArray) -> npt.NDArray[np.uint16]:
    return np.asarray(np.minimum(column.to_numpy(), _LARGEST), dtype=np.uint16)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _is_by_llm(named: Mapping[str, Any]) -> bool:
    return bool(named["summary_source"] == SummarySource.LLM)


def _summary(text: str, named: Mapping[str, Any]) -> str:
    return text if _is_by_llm(named) else ""


def _label(named: Mapping[str, Any], spoken_words: bool) -> str:
    """The label; one without keywords is the beginning of a sentence, which not every page may hold."""
    if spoken_words or _is_by_llm(named) or named["keywords"]:
        return str(named["label"])
    return "(no words of its own)"
