"""How fast is the encoder on one core, and how far is each way from fp32?

    python tests/benchmarks/encoder_speed.py [--n 700] [--json]

Compares sentence-transformers' own `encode` in fp32 and under bf16 autocast with our `SentenceEncoder`, each
twice, CPU seconds of one thread. Sentences are those of the sample calls, so it runs anywhere.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import argparse
import json
import time

import torch
from sample_sentences import sample_sentences

from ftm_ray.config import EmbedSettings
from ftm_ray.vectors.encoder import SentenceEncoder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=700, help="sentences")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    texts = sample_sentences()[: arguments.n]
    ours = {p: SentenceEncoder(EmbedSettings(precision=p)) for p in ("fp32", "bf16")}
    library = ours["fp32"]._model

    def library_bf16():
        with torch.autocast("cpu", torch.bfloat16):
            return library.encode(texts, normalize_embeddings=True)

    ways = {
        "library fp32": lambda: library.encode(texts, normalize_embeddings=True),
        "library bf16": library_bf16,
        "ftm-ray fp32": lambda: ours["fp32"].encode(texts),
        "ftm-ray bf16": lambda: ours["bf16"].encode(texts),
    }
    reference = ways["library fp32"]()
    result = {}
    for name, encode in ways.items():
        seconds = []
        for _ in range(2):
            start = time.process_time()
            vectors = encode()
            seconds.append(time.process_time() - start)
        result[name] = {
            "sentences_per_s": round(len(texts) / min(seconds), 1),
            "lowest_cosine": round(float((reference * vectors).sum(axis=1).min()), 5),
        }
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, row in result.items():
            print(f"{name:14} {row['sentences_per_s']:8.1f} sentences/s   lowest cosine to fp32 {row['lowest_cosine']}")


if __name__ == "__main__":
    main()
