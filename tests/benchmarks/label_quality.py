"""How many labels of speakers are found, and how often is a real call cut that has none?

    PYTHONPATH=tests python tests/benchmarks/label_quality.py

First the labels marked by hand in tests/golden; then every call of three public sets, whose texts hold no labels (the
turns of a call one below the other). Needs ../shared/data (or FTM_TEST_DATA) for the second half; two minutes.
"""

import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
from label_marks import find_marked, read_marked

from ftm_ray.sources.speaker_labels import cut_at_labels

DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
DATA_FILES = ("sp500_2024Q3_2024Q4", "nasdaq10_2016_2020", "maec_2015_2018")


def texts_of(path: Path) -> list[str]:
    """The text of each call, its turns one below the other."""
    turns = defaultdict(list)
    table = pq.read_table(path, columns=["transcript_id", "text"])
    for transcript_id, text in zip(*(column.to_pylist() for column in table.columns), strict=True):
        turns[transcript_id].append(text or "")
    return ["\n".join(texts) for texts in turns.values()]


def main() -> None:
    """Print both."""
    for half in ("chosen_on", "held_out"):
        calls = read_marked(half)
        found = find_marked(calls)
        print(f"{half}: {len(calls)} forms, {found.n_marked} labels, precision {found.precision:.3f}, ", end="")
        print(f"recall {found.recall:.3f}", *found.wrong, sep="\n  ")
    if not DATA.is_dir():
        sys.exit(f"skipped: no real calls at {DATA}; set FTM_TEST_DATA to the folder that holds them")
    for name in DATA_FILES:
        texts = texts_of(DATA / f"{name}.parquet")
        start = time.process_time()
        n_cut = sum(cut_at_labels(text) is not None for text in texts)
        ms = 1000 * (time.process_time() - start) / len(texts)
        print(f"{name}: {n_cut} of {len(texts)} calls cut, {ms:.1f} ms of processor a call")


if __name__ == "__main__":
    main()
