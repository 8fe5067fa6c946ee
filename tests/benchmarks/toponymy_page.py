"""Toponymy's page of a published quarter, to look at beside the page of `ftm report` (docs/report.md).

    PYTHONPATH=. peer/bin/python tests/benchmarks/toponymy_page.py ROOT QUARTER page.html

It runs in an environment of its own, since toponymy and its datamapplot want an older pandas and transformers:
`python -m venv peer; peer/bin/pip install . toponymy datamapplot`. CI does not run it.

Toponymy is given our topics: their vectors, places on the map, and most telling sentences. It groups them by
itself. It names groups by an LLM, and without one by nothing; here something stands in that answers with the keyphrases
that Toponymy chose for its question, so the names are as good as its keyphrases. The page gets all that datamapplot
offers for such data: the tree of groups, outlines, and a search; firm, day and sentence of a topic in the hover text.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from toponymy import Toponymy, ToponymyClusterer
from toponymy.keyphrases import KeyphraseBuilder
from toponymy.llm_wrappers import LLMWrapper

from ftm_ray.lake.storage import Lake
from ftm_ray.results.report.content import PageQuarter, read_quarters, read_spoken
from ftm_ray.results.report.layout import place_topics
from ftm_ray.vectors.query_encoder import load_query_encoder

_KEYPHRASES = re.compile(r"Keywords for this group include: (.*)")
_N_SENTENCES = 3
_N_KEYPHRASES = 3_000  # each is embedded, one at a time


class KeyphraseNamer(LLMWrapper):
    """Stands in for an LLM: a group is called by the first keyphrases of the question."""

    def _call_llm(self, prompt: dict[str, Any], temperature: float, max_tokens: int) -> str:
        return self._answer(prompt["combined"])

    def _call_llm_with_system_prompt(self, prompt: dict[str, Any], temperature: float, max_tokens: int) -> str:
        return self._answer(prompt["user"])

    def _answer(self, question: str) -> str:
        found = [line.split(", ") for line in _KEYPHRASES.findall(question)]
        if "new_topic_name_mapping" not in question and "for each topic" not in question:
            return json.dumps({"topic_name": ", ".join(found[0][:3]), "topic_specificity": 0.5})
        # Several groups of one name: each by more of its keyphrases.
        longer = {f"{number}.": ", ".join(phrases[:5]) for number, phrases in enumerate(found, 1)}
        return json.dumps({"new_topic_name_mapping": longer, "topic_specificities": [0.5] * len(longer)})


class Encoder:
    """The run's encoder as Toponymy calls it."""

    def __init__(self, model: str) -> None:
        self._encoder = load_query_encoder(model)

    def encode(self, texts: list[str], *_: Any, **__: Any) -> np.ndarray:
        """(n_texts, dim) float32, unit L2 norm."""
        return self._encoder.encode(list(texts))


def topic_texts(lake: Lake, found: PageQuarter) -> tuple[list[str], list[str]]:
    """What each topic's sentences say, and the same as a person hovers over it: label, firm, day and sentence first."""
    spoken = read_spoken(lake, found, _N_SENTENCES)
    said = [" ".join(sentence[0] for sentence in sentences) for sentences in spoken]
    labels = found.topics["label"].to_pylist()
    firms = [found.firms[firm].firm_name or firm for firm, _ in found.topic_keys()]
    days = [sentences[0][3] if sentences else "" for sentences in spoken]
    rows = zip(labels, firms, days, said, strict=True)
    return said, [f"{label}\n{firm}, {day}\n{text}" for label, firm, day, text in rows]


def main() -> None:
    import datamapplot

    root, quarter, path = sys.argv[1:]
    lake = Lake(root)
    [found] = read_quarters(lake, [quarter])
    said, hover = topic_texts(lake, found)
    [places] = place_topics([found.vectors])
    places = places.astype(np.float32)
    places = (places - places.min(axis=0)) / np.ptp(places)
    model = Toponymy(
        llm_wrapper=KeyphraseNamer(),
        text_embedding_model=Encoder(found.record["config"]["embed"]["model"]),
        clusterer=ToponymyClusterer(min_clusters=4, verbose=True),
        keyphrase_builder=KeyphraseBuilder(ngram_range=(1, 3), max_features=_N_KEYPHRASES),
        object_description="topics of earnings calls",
        corpus_description=f"earnings calls of {quarter}",
    )
    model.fit(said, embedding_vectors=found.vectors, clusterable_vectors=places)
    print("groups in each layer:", [len(names) for names in model.topic_names_])
    plot = datamapplot.create_interactive_plot(
        10 * places,
        *model.topic_name_vectors_,
        hover_text=hover,
        title=f"Topics of {quarter}",
        cluster_boundary_polygons=True,
        enable_search=True,
        enable_topic_tree=True,
    )
    plot.save(path)
    print(f"{path}: {Path(path).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
