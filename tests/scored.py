"""A published quarter whose sentences a model has heard already, so that a test needs neither its weights nor Ray."""

import json
from pathlib import Path

import pyarrow as pa

from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.run.text_scores import ScoreStore, missing_texts
from ftm_ray.run.theme_sentences import ThemeSentences
from ftm_ray.schemas.sentiment import SCORED_TEXTS
from ftm_ray.sentiment.classifier import find_model

LABELS = {"0": "neutral", "1": "positive", "2": "negative"}


def make_config_only(folder: Path) -> Path:
    """A model that can be looked at and not loaded: it has no weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "id2label": LABELS}))
    return folder


def keep_scores(lake: Lake, quarter: str, model: Path) -> int:
    """Put into the lake what the model would have said; returns the number of texts."""
    store = ScoreStore(lake, quarter, find_model(str(model), "auto").digest)
    texts, _ = missing_texts(ThemeSentences.of(lake, published_record(lake, quarter)), store.read())
    digests = texts["text_digest"].to_pylist()
    p_pos = [int(digest[:3], 16) % 900 / 1000 for digest in digests]
    rows = {"text_digest": digests, "p_pos": p_pos, "p_neg": [round(0.9 - p, 4) for p in p_pos]}
    rows |= {"p_neu": [0.1] * len(digests), "precision": ["fp32"] * len(digests)}
    store.write(pa.table(rows, schema=SCORED_TEXTS))
    return len(digests)
