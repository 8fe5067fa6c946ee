"""How many sentences a second the rules and the cleaning for keywords take, on one core and the sample calls.

python tests/benchmarks/text_speed.py
"""

import json
import time
from pathlib import Path

import ftm_ray
from ftm_ray.text import sentences as text

CALLS = sorted((Path(ftm_ray.__file__).parent / "sample_calls").glob("*.jsonl"))


def rate(n: int, start: float) -> str:
    return f"{n / (time.perf_counter() - start):,.0f} sentences/s"


def main() -> None:
    turns = [json.loads(line)["text"] for path in CALLS for line in path.read_text(encoding="utf-8").splitlines()]
    start = time.perf_counter()
    sentences = [sentence for turn in turns for sentence in text.split_sentences(text.repair_text(turn))]
    print(f"{len(sentences):,} sentences; repaired and split: {rate(len(sentences), start)}")
    start = time.perf_counter()
    for sentence in sentences:
        text.rule_drop_reason(sentence, None)
    print(f"rules: {rate(len(sentences), start)}")
    text.clean_for_keywords("houses", frozenset())  # loads the dictionary
    text._keyword.cache_clear()
    start = time.perf_counter()
    for sentence in sentences:
        text.clean_for_keywords(sentence, frozenset())
    print(f"cleaned for keywords, cold cache: {rate(len(sentences), start)}")


if __name__ == "__main__":
    main()
