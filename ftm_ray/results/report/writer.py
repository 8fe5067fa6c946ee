"""The page itself: a template, its style and scripts from `page/`, and the packed blocks, as one HTML text.

The page may ask nobody and run nothing but its own scripts: its policy (CSP) forbids everything that does not have the
digest of one of the files in `page/`.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from ftm_ray.lake.storage import Lake
from ftm_ray.results.report.blocks import (
    map_numbers,
    packed,
    packed_json,
    spoken_blocks,
    texts_of_topics,
    theme_block,
)
from ftm_ray.results.report.coded_texts import coded_texts
from ftm_ray.results.report.content import PageQuarter, Spoken, read_quarters, read_spoken
from ftm_ray.results.report.layout import place_topics
from ftm_ray.version import __version__

#: In the order in which they run.
SCRIPTS = (
    "data.js",
    "elements.js",
    "points.js",
    "map.js",
    "pointer.js",
    "river.js",
    "cards.js",
    "search.js",
    "main.js",
)

#: What the map is drawn from and what is searched; these stand before the scripts, so that neither waits for sentences.
_FIRST_BLOCKS = ("themes", "map", "words", "text")


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A page and what it holds."""

    html: str
    quarters: tuple[str, ...]
    n_topics: int
    n_themes: int
    n_sentences: int


def make_report(lake: Lake, quarters: Sequence[str], n_exemplars: int) -> ReportPage:
    """Make the page of some quarters.

    Args:
        lake: Where they are published.
        quarters: In the order of time; the last one is shown first.
        n_exemplars: Sentences of each topic that the page holds; 0 = no spoken word at all.

    Raises:
        SourceError: One of them is not published, or a file is missing.
        ConfigError: They are more than one page can hold.
    """
    found = read_quarters(lake, quarters)
    spoken: list[list[Spoken]] = []
    for quarter in found if n_exemplars else ():
        spoken += read_spoken(lake, quarter, n_exemplars)
    firm_ids = sorted({firm_id for quarter in found for firm_id in quarter.firms})
    places = place_topics([quarter.vectors for quarter in found])
    words, texts = coded_texts(texts_of_topics(found, n_exemplars > 0))
    blocks = [
        ("themes", packed_json(theme_block(found, firm_ids, n_exemplars, __version__))),
        ("map", packed(map_numbers(found, places, firm_ids))),
        ("words", packed_json(words)),
        ("text", packed(texts)),
        *((f"spoken-{number}", packed_json(block)) for number, block in enumerate(spoken_blocks(spoken))),
    ]
    return ReportPage(
        html=page_of(_title(found), blocks),
        quarters=tuple(quarters),
        n_topics=sum(quarter.topics.num_rows for quarter in found),
        n_themes=sum(len(quarter.themes) for quarter in found),
        n_sentences=sum(len(sentences) for sentences in spoken),
    )


def page_of(title: str, blocks: Sequence[tuple[str, str]]) -> str:
    """The page around packed blocks.

    Args:
        title: Without anything that means something in HTML.
        blocks: Name and content of each.
    """
    style = page_file("page.css")
    scripts = [page_file(name) for name in SCRIPTS]
    policy = [
        "default-src 'none'",
        f"style-src {_digest(style)}",
        "script-src " + " ".join(_digest(script) for script in scripts),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return Template(page_file("page.html")).substitute(
        policy="; ".join(policy),
        title=title,
        style=style,
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
        first_blocks=_block_elements(block for block in blocks if block[0] in _FIRST_BLOCKS),
        blocks=_block_elements(block for block in blocks if block[0] not in _FIRST_BLOCKS),
    )


def _block_elements(blocks: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f'<script type="text/plain" id="block-{name}">{content}</script>' for name, content in blocks)


def page_file(name: str) -> str:
    """A file of the page, with the line ends that a browser makes of any."""
    return (files(__package__) / "page" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _title(quarters: Sequence[PageQuarter]) -> str:
    first, last = quarters[0].quarter, quarters[-1].quarter
    return f"Themes of {last}" if first == last else f"Themes of {first} to {last}"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
