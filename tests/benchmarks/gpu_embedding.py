"""How many sentences a second the encoder does on a card, by the process, by what shares it, and against the library.

    python tests/benchmarks/gpu_embedding.py [--firms 100] [--processes 1 2 4 8] [--device cuda]

A "firm" is 400 sentences drawn from the sample calls, encoded alone, as a topic actor does it. Several processes are
several actors on one card: all load, warm up, wait for each other, and then encode `--firms` firms each. Rows are
sentences a second of all processes together. `--device cpu` runs the same where there is no card.
"""

import argparse
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor

from sample_sentences import sample_sentences

SENTENCES_OF_A_FIRM = 400


def sample_firms(n: int) -> list[list[str]]:
    """So many drawings of 400 sentences of the sample calls."""
    sentences = sample_sentences()
    draw = random.Random(0)
    return [draw.sample(sentences, SENTENCES_OF_A_FIRM) for _ in range(n)]


def encoder_of(way: str, device: str, batch_size: int | None):
    """A function that encodes one firm."""
    from ftm_ray.config import EmbedSettings
    from ftm_ray.vectors.encoder import SentenceEncoder

    whose, precision = way.split()
    settings = EmbedSettings(precision="fp32" if precision == "fp16" else precision, batch_size=batch_size)
    ours = SentenceEncoder(settings, device)
    if whose == "ours":
        return ours.encode
    library = ours._model.half() if precision == "fp16" else ours._model
    return lambda texts: library.encode(texts, batch_size=batch_size or 256, normalize_embeddings=True)


def wait_with(others) -> None:
    """Keep what all processes wait at, in each of them."""
    global ready
    ready = others


def one_process(way: str, device: str, batch_size: int | None, firms: int) -> tuple[float, float]:
    """Encode all firms after the others are ready, too; from when to when."""
    drawn = sample_firms(firms)
    encode = encoder_of(way, device, batch_size)
    for firm in drawn[:3]:
        encode(firm)
    ready.wait(timeout=120)  # one that failed never comes
    start = time.time()
    for firm in drawn:
        encode(firm)
    return start, time.time()


def sentences_per_s(way: str, device: str, batch_size: int | None, firms: int, processes: int) -> float:
    """Of all processes together, from the first one's start to the last one's end."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, wait_with, (context.Barrier(processes),)) as pool:
        running = [pool.submit(one_process, way, device, batch_size, firms) for _ in range(processes)]
        spans = [process.result() for process in running]
    seconds = max(end for _, end in spans) - min(start for start, _ in spans)
    return processes * firms * SENTENCES_OF_A_FIRM / seconds


def tokens_only(firms: int) -> float:
    """Sentences a second of the tokenizer alone, which works on the processor."""
    from ftm_ray.config import EmbedSettings
    from ftm_ray.vectors.encoder import SentenceEncoder

    drawn, model = sample_firms(firms), SentenceEncoder(EmbedSettings(), "cpu")._model
    start = time.time()
    for firm in drawn:
        model.tokenizer(firm, truncation=True, max_length=model.max_seq_length)
    return firms * SENTENCES_OF_A_FIRM / (time.time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firms", type=int, default=100, help="firms of each process")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 256], help="tried with one process")
    parser.add_argument("--ways", nargs="+", default=["ours bf16", "ours fp32", "library fp16", "library fp32"])
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    print("| way | batch | processes | sentences/s |\n|---|---|---|---|", flush=True)
    for way in arguments.ways:
        for batch_size in arguments.batch_sizes:
            speed = sentences_per_s(way, arguments.device, batch_size, arguments.firms, 1)
            print(f"| {way} | {batch_size} | 1 | {speed:,.0f} |", flush=True)
    for processes in [n for n in arguments.processes if n > 1]:
        speed = sentences_per_s(arguments.ways[0], arguments.device, None, arguments.firms, processes)
        print(f"| {arguments.ways[0]} | as it is | {processes} | {speed:,.0f} |", flush=True)
    print(f"| its tokenizer alone | | 1 | {tokens_only(arguments.firms):,.0f} |")


if __name__ == "__main__":
    main()
