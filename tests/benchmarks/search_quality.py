"""Does `ftm search` find what it should, and do its shortcuts cost anything?

    python tests/benchmarks/search_quality.py --root ROOT --quarter 2024Q4 [--topics 300] [--encode 1000] [--json]

ROOT has a published quarter of real calls, and is only read. What is known to be right is asked for:
    a topic's own summary must find its topic first;
    a sentence of a topic, not one of its exemplars, must find its topic among the first ten, when the topic's vector is
    made anew without that sentence; by meaning alone, by words alone, and by both.
Topics are drawn with a fixed seed. The encoder of questions is compared with sentence-transformers on 1,000 sentences,
and whole numbers of one byte with float32 on the same sentences' vectors.
"""

import argparse
import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
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


def orders(pool: Pool, vectors: np.ndarray, question: np.ndarray, text: str) -> dict[str, list]:
    """The three orders of a question: by meaning, by words, by both."""
    scores = bm25(pool.words.count(question_words(text)))
    meaning, words = ranks_of(vectors @ question), ranks_of(np.where(scores > 0, scores, -np.inf))
    return {"meaning": [meaning], "words": [words], "both": [meaning, words]}


def own_summaries(pool: Pool, encoder: object, rows: np.ndarray) -> dict[str, float]:
    """How often a topic's summary finds its topic first."""
    texts = pool.rows["representation"].to_pylist()
    hits = dict.fromkeys(("meaning", "words", "both"), 0)
    for row in rows:
        (question,) = encoder.encode([texts[row]])
        for name, of_question in orders(pool, pool.vectors, question, texts[row]).items():
            first = fused(of_question, 1)
            # Two topics of one firm may be called by the same words; either is right then.
            hits[name] += bool(first) and texts[first[0]] == texts[row]
    return {name: n / len(rows) for name, n in hits.items()}


def held_out_sentences(
    pool: Pool, lake: Lake, quarter: str, encoder: object, rows: np.ndarray
) -> tuple[dict[str, float], int]:
    """How often a sentence finds the topic that it was taken out of among the first ten."""
    rng = np.random.default_rng(1)
    topics = lake.read_folder(lake.table_dir("topics", quarter), ["sentence_ids", "exemplar_ids"]).to_pylist()
    chosen = {}
    for row in rows:
        others = sorted(set(topics[row]["sentence_ids"]) - set(topics[row]["exemplar_ids"]))
        if others:
            chosen[row] = others[rng.integers(len(others))]
    wanted = {i for row in chosen for i in topics[row]["sentence_ids"]}
    sentences = lake.read_folder(lake.table_dir("sentences", quarter), ["sentence_id", "raw_text"])
    sentences = sentences.filter(pc.is_in(sentences["sentence_id"], pa.array(sorted(wanted))))
    texts = dict(zip(sentences["sentence_id"].to_pylist(), sentences["raw_text"].to_pylist(), strict=True))
    hits = dict.fromkeys(("meaning", "words", "both"), 0)
    for row, held_out in chosen.items():
        ids = topics[row]["sentence_ids"]
        vectors = encoder.encode([texts[i] for i in ids])
        left = vectors[[i != held_out for i in ids]].mean(axis=0)
        without = pool.vectors.copy()
        without[row] = left / np.linalg.norm(left)
        question = vectors[ids.index(held_out)]
        for name, of_question in orders(pool, without, question, texts[held_out]).items():
            hits[name] += row in fused(of_question, 10)
    return {name: n / len(chosen) for name, n in hits.items()}, len(chosen)


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
        "recall": float(np.mean(recalls)),
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
    summaries = own_summaries(pool, encoder, rows)
    held_out, n_held_out = held_out_sentences(pool, lake, quarter, encoder, rows)
    found = {
        "n_topics": pool.rows.num_rows,
        "own_summary_first": {"n": len(rows)} | {name: round(value, 4) for name, value in summaries.items()},
        "held_out_in_ten": {"n": n_held_out} | {name: round(value, 4) for name, value in held_out.items()},
        "encoder": shortcuts(lake, quarter, encoder, arguments.encode),
    }
    print(json.dumps(found, indent=None if arguments.json else 1))


if __name__ == "__main__":
    main()
