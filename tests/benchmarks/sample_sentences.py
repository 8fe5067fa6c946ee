"""Sentences of the sample calls, as a run splits them: what benchmarks read that anybody can give again."""

import json
from pathlib import Path

from ftm_ray import sources
from ftm_ray.text.sentences import repair_text, split_sentences

SAMPLE = Path(sources.__file__).parents[1] / "sample_calls"


def sample_sentences() -> list[str]:
    """All of them, in the order of the files."""
    rows = [json.loads(line) for path in sorted(SAMPLE.glob("*.jsonl")) for line in path.open(encoding="utf-8")]
    return [sentence for row in rows for sentence in split_sentences(repair_text(row["text"]))]
