"""How fast is the encoder on one core, and how far is each way from fp32?

    python tests/benchmarks/encoder_speed.py [--store ROOT QUARTER] [--ways WORD ...] [--processes 2] [--json]

Compares sentence-transformers' own `encode` in fp32 and under bf16 autocast with our `SentenceEncoder`, and that with
two things changed: attention as torch fuses it, and weights laid out once for the processor's bf16 unit (by operators
of torch's own compiler, which are not for others: they are here to be measured). Each way three times in turn, CPU
seconds of one thread, firm by firm; the fastest counts. Sentences are those of the sample calls, or of the firms of a
prefetch store. Of several processes each prints its own figures.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from sample_sentences import sample_sentences

from ftm_ray.config import EmbedSettings
from ftm_ray.lake.storage import Lake
from ftm_ray.sources.manifest import read_manifest
from ftm_ray.text.boilerplate_rules import rule_drop_reason
from ftm_ray.vectors.encoder import SentenceEncoder

Firms = list[list[str]]
Encode = Callable[[list[str]], np.ndarray]


def firms_of_store(root: str, quarter: str) -> Firms:
    """Per firm the sentences that a run would encode."""
    lake, firms = Lake(root), []
    for batch in read_manifest(lake, quarter).batches:
        rows = lake.read_row_group(f"{lake.prefetch_dir(quarter)}/{batch.chunk}", batch.row_group).to_pylist()
        for said in (firm["sentences"] for firm in rows):
            firms.append([s["raw_text"] for s in said if rule_drop_reason(s["raw_text"], s["speaker_type"]) is None])
    return [firm for firm in firms if firm]


class PackedLinear(torch.nn.Module):
    """A linear layer in bf16 whose weights lie as oneDNN reads them, instead of being laid out at each call."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().bfloat16(), None)
        self._bias = linear.bias.detach().bfloat16()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(x.bfloat16(), self._weight, self._bias, "none", [], "")


def packed(encoder: SentenceEncoder) -> SentenceEncoder:
    """The encoder, with each of its linear layers packed."""
    for module in list(encoder._model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Linear):
                setattr(module, name, PackedLinear(child))
    return encoder


def fused(encoder: SentenceEncoder) -> SentenceEncoder:
    """The encoder, with torch's fused attention."""
    encoder._model[0].auto_model.set_attn_implementation("sdpa")
    return encoder


def of_library(encoder: SentenceEncoder, bf16: bool) -> Encode:
    """sentence-transformers' own loop."""

    def encode(texts: list[str]) -> np.ndarray:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return encoder._model.encode(texts, normalize_embeddings=True)

    return encode


FP32, BF16 = EmbedSettings(precision="fp32"), EmbedSettings(precision="bf16")
WAYS: dict[str, Callable[[], Encode]] = {
    "library fp32": lambda: of_library(SentenceEncoder(FP32), bf16=False),
    "library bf16": lambda: of_library(SentenceEncoder(FP32), bf16=True),
    "ftm-ray fp32": lambda: SentenceEncoder(FP32).encode,
    "ftm-ray bf16": lambda: SentenceEncoder(BF16).encode,
    "fused attention": lambda: fused(SentenceEncoder(BF16)).encode,
    "packed weights": lambda: packed(SentenceEncoder(BF16)).encode,
}


def measured(firms: Firms, words: list[str]) -> dict[str, dict[str, float]]:
    """Speed of each way whose name holds one of the words, and how far its vectors are from the library's in fp32."""
    chosen = {name: load() for name, load in WAYS.items() if any(word in name for word in words)}
    library = WAYS["library fp32"]()
    reference = np.concatenate([library(texts) for texts in firms])
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    cosine = {}
    for _ in range(3):
        for name, encode in chosen.items():
            start = time.process_time()
            vectors = np.concatenate([encode(texts) for texts in firms])
            seconds[name].append(time.process_time() - start)
            cosine[name] = round(float((reference * vectors).sum(axis=1).min()), 5)
    n = len(reference)
    return {name: {"sentences_per_s": round(n / min(seconds[name]), 1), "cosine": cosine[name]} for name in chosen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", nargs=2, metavar=("ROOT", "QUARTER"), help="default: the sample calls, as one firm")
    parser.add_argument("--ways", nargs="+", default=[""], metavar="WORD", help="those whose names hold one of these")
    parser.add_argument("--processes", type=int, default=1, help="so many at once, each with all of the work")
    parser.add_argument("--json", action="store_true", help="print JSON, an object a process")
    arguments = parser.parse_args()
    command = [sys.executable, __file__, *sys.argv[1:], "--processes", "1"]
    others = [subprocess.Popen(command) for _ in range(arguments.processes - 1)]
    torch.set_num_threads(1)
    firms = firms_of_store(*arguments.store) if arguments.store else [sample_sentences()[:700]]
    result = measured(firms, arguments.ways)
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, row in result.items():
            print(f"{name:16} {row['sentences_per_s']:8.1f} sentences/s   lowest cosine to fp32 {row['cosine']}")
    sys.exit(max((other.wait() for other in others), default=0))


if __name__ == "__main__":
    main()
