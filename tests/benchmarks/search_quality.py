"""Does `ftm search` find what it should, and do its shortcuts cost anything?

    python tests/benchmarks/search_quality.py --root ROOT --quarter 2024Q4 [--topics 300] [--encode 1000] [--json]

ROOT has a published quarter of real calls, and is only read. What is known to be right is asked for:
    a topic's own summary must find its topic first;
    a sentence of a topic, not one that its summary quotes, must find its topic among the first ten, when the topic's
    vector is made anew without that sentence; by meaning alone, by words alone, and by both.
Topics are drawn with a fixed seed. The encoder of questions is compared with sentence-transformers on 1,000 sentences,
and whole numbers of one byte with float32 on the same sentences' vectors.
"""

import argparse
import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # where others work, threads that wait for one another take far longer
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.config import BUNDLED_ENCODER, EmbedSettings
from ftm_ray.lake.storage import Lake
from ftm_ray.results.search.pools import Pool, read_members, read_pool
from ftm_ray.results.search.ranking import fused, ranks_of
from ftm_ray.results.search.request import Among
from ftm_ray.text.word_index import bm25, question_words
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.query_encoder import load_query_encoder
from ftm_ray.vectors.small_vectors import SmallVectors

#: What questions must bear beside usual sentences.
ODD = [
    "",
    " ",
    "?!",
    "word " * 600,
    "关税对供应商的影响",
    "тарифы",
    "tariffs 🚢📈 🇺🇸",
    "Düsseldorf, naïve façade",
    "e\u0301",
]


def scores_of(pool: Pool, vectors: np.ndarray, question: np.ndarray, text: str) -> tuple[np.ndarray, np.ndarray]:
    """Cosines, and the scores of words; -inf where there is none."""
    scores = bm25(pool.words.count(question_words(text)))
    return vectors @ question, np.where(scores > 0, scores, -np.inf)


def best_of(scores: tuple[np.ndarray, np.ndarray], limit: int) -> dict[str, list[int]]:
    """The first rows by meaning, by words, and by both."""
    meaning, words = ranks_of(scores[0]), ranks_of(scores[1])
    none = np.zeros_like(meaning)
    orders = {"meaning": (meaning, none), "words": (none, words), "both": (meaning, words)}
    return {name: fused(*of_name, limit) for name, of_name in orders.items()}


def own_summaries(pool: Pool, encoder: object, rows: np.ndarray) -> dict[str, float]:
    """How often a topic's summary finds its topic first."""
    texts = pool.rows["representation"].to_pylist()
    hits = dict.fromkeys(("meaning", "words", "both"), 0)
    for row in rows:
        (question,) = encoder.encode([texts[row]])
        for name, first in best_of(scores_of(pool, pool.vectors, question, texts[row]), 1).items():
            # Two topics of one firm may be called by the same words; either is right then.
            hits[name] += bool(first) and texts[first[0]] == texts[row]
    return {name: n / len(rows) for name, n in hits.items()}


def held_out_sentences(pool: Pool, lake: Lake, quarter: str, rows: np.ndarray) -> dict[str, float]:
    """How often a sentence finds the topic that it was taken out of among the first ten.

    Beside the three orders: by both where the firm is known (`--firm`), and by both where any topic of the same theme
    counts as found, of those sentences whose topic is in a theme.
    """
    rng = np.random.default_rng(1)
    topics = lake.read_folder(lake.table_dir("topics", quarter), ["firm_id", "topic_id", "sentence_ids"]).to_pylist()
    texts = texts_of(lake, quarter, {i for row in rows for i in topics[row]["sentence_ids"]})
    vectors = dict(
        zip(texts, SentenceEncoder(EmbedSettings(precision="fp32")).encode(list(texts.values())), strict=True)
    )
    firms = np.array([topic["firm_id"] for topic in topics])
    members = lake.read_folder(lake.table_dir("theme_topics", quarter), ["firm_id", "topic_id", "theme_id"]).to_pylist()
    theme_of = {(member["firm_id"], member["topic_id"]): member["theme_id"] for member in members}
    themes = np.array([theme_of.get((topic["firm_id"], topic["topic_id"]), "") for topic in topics])
    hits = dict.fromkeys(("meaning", "words", "both", "both_firm_known", "both_same_theme"), 0)
    for row in rows:
        ids = topics[row]["sentence_ids"]
        quoted = pool.rows["representation"][int(row)].as_py()
        free = [i for i in ids if texts[i] not in quoted]
        held_out = free[rng.integers(len(free))]
        left = np.mean([vectors[i] for i in ids if i != held_out], axis=0)
        without = pool.vectors.copy()
        without[row] = left / np.linalg.norm(left)
        scores = scores_of(pool, without, vectors[held_out], texts[held_out])
        found = best_of(scores, 10)
        for name, best in found.items():
            hits[name] += row in best
        own = np.flatnonzero(firms == firms[row])
        hits["both_firm_known"] += row in own[best_of((scores[0][own], scores[1][own]), 10)["both"]]
        hits["both_same_theme"] += bool(themes[row]) and themes[row] in themes[found["both"]]
    n_in_themes = max(1, int((themes[rows] != "").sum()))
    return {name: n / (n_in_themes if name == "both_same_theme" else len(rows)) for name, n in hits.items()}


def texts_of(lake: Lake, quarter: str, wanted: set[str]) -> dict[str, str]:
    """What was said, by sentence."""
    sentences = lake.read_folder(lake.table_dir("sentences", quarter), ["sentence_id", "raw_text"])
    sentences = sentences.filter(pc.is_in(sentences["sentence_id"], pa.array(sorted(wanted))))
    return dict(zip(sentences["sentence_id"].to_pylist(), sentences["raw_text"].to_pylist(), strict=True))


def shortcuts(lake: Lake, quarter: str, encoder: object, n: int) -> dict[str, float]:
    """Largest difference of the numpy encoder, and what one byte a number costs, on sentences of the quarter."""
    sentences = lake.read_folder(lake.table_dir("sentences", quarter), ["raw_text", "topic_id"])
    texts = sentences.filter(pc.is_valid(sentences["topic_id"]))["raw_text"].unique().to_pylist()
    rng = np.random.default_rng(2)
    drawn = [*ODD, *(texts[row] for row in rng.permutation(len(texts))[: n - len(ODD)])]
    vectors = SentenceEncoder(EmbedSettings(precision="fp32")).encode(drawn)
    ours = encoder.encode(drawn)
    small = SmallVectors.of(vectors)
    recalls = []
    for question in ours[:: max(1, n // 200)]:
        exact, rough = np.argsort(-(vectors @ question))[:10], np.argsort(-(small @ question))[:10]
        recalls.append(len(set(exact) & set(rough)) / 10)
    return {
        "n": len(drawn),
        "largest_difference": float(np.abs(ours - vectors).max()),
        "one_byte_recall": float(np.mean(recalls)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--quarter", required=True)
    parser.add_argument("--topics", type=int, default=300)
    parser.add_argument("--encode", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    lake, quarter = Lake(arguments.root), arguments.quarter
    pool = read_pool(lake, quarter, Among.TOPICS, read_members(lake, quarter))
    encoder = load_query_encoder(BUNDLED_ENCODER)
    rows = np.random.default_rng(0).permutation(pool.rows.num_rows)[: arguments.topics]
    show("topics", {"n": pool.rows.num_rows}, arguments.json)
    show("own summary first", {"n": len(rows)} | own_summaries(pool, encoder, rows), arguments.json)
    show("held-out sentence in ten", {"n": len(rows)} | held_out_sentences(pool, lake, quarter, rows), arguments.json)
    show("shortcuts", shortcuts(lake, quarter, encoder, arguments.encode), arguments.json)


def show(what: str, figures: dict[str, float], as_json: bool) -> None:
    """Each as soon as it is known."""
    words = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(json.dumps({"what": what} | figures) if as_json else f"{what}: {words}", flush=True)


if __name__ == "__main__":
    main()
