"""How many known defects of real calls do the prefetch rules catch, and what do they flag besides?

    python tests/benchmarks/trap_recall.py [--data ../shared/data] [--json] [--details]

Prefetches every quarter of the three data files into a temporary folder, as a user would, and compares the coverage
tables with traps.json. About three minutes on one core.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ftm_ray.lake.storage import Lake
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import prefetch_quarter

DATA_FILES = ("nasdaq10_2016_2020", "maec_2015_2018", "sp500_2024Q3_2024Q4")

#: Which drop reasons and notes of a call count as seeing a trap.
SIGNS = {
    "truncated": {"empty", "short", "short_for_quarter"},
    "self_repeated": {"pasted_twice"},
    "same_text_other_firm": {"other_firm", "shared_with_firm"},
    # Named by fiscal quarter: two ids of one call, dated the same day, are a duplicate to us.
    "same_text_other_quarter": {"other_quarter", "copy_in_firm"},
    "two_calls_in_quarter": {"two_calls"},
    "non_english": {"foreign"},
    "mojibake": {"mojibake"},
    "html": {"html"},
}


@dataclass(frozen=True, slots=True)
class Score:
    file: str
    trap: str
    n_known: int
    n_findable: int  # the other half of the pair is in the file too; the same as n_known for other traps
    n_caught: int
    n_false: int
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]


def signs_by_call(coverage: pa.Table) -> dict[str, set[str]]:
    """Drop reason and kinds of notes of each call."""
    return {
        row["transcript_id"]: {note.partition(": ")[0] for note in row["notes"]} | {row["reason"]}
        for row in coverage.select(["transcript_id", "reason", "notes"]).to_pylist()
    }


def prefetch_all(path: Path, root: str) -> pa.Table:
    """The coverage of every quarter of a file."""
    quarters = sorted(set(pq.read_table(path, columns=["quarter"]).column(0).to_pylist()))
    lake, source = Lake(root), FilesSource(FilesSettings((str(path),)))
    for quarter in quarters:
        print(f"{path.name} {quarter}", file=sys.stderr)
        prefetch_quarter(lake, quarter, source, lambda *_: None)
    return pa.concat_tables([lake.read_table(f"{lake.prefetch_dir(q)}/coverage.parquet") for q in quarters])


def score(file: str, signs: dict[str, set[str]], traps: dict[str, list[dict[str, str]]]) -> list[Score]:
    """Compare what the rules said with what is known of the calls of one file."""
    known: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for transcript_id, defects in traps.items():
        for defect in defects if transcript_id in signs else []:
            partner = defect["detail"].rpartition("shared with ")[2] if "shared with" in defect["detail"] else None
            findable = partner is None or partner in signs
            known[defect["trap"]][transcript_id] = known[defect["trap"]].get(transcript_id, False) or findable
    scores = []
    for trap, calls in SIGNS.items():
        flagged = {transcript_id for transcript_id, seen in signs.items() if seen & calls}
        caught, false = flagged & known[trap].keys(), flagged - known[trap].keys()
        missed = {transcript_id for transcript_id, findable in known[trap].items() if findable} - flagged
        counts = (len(known[trap]), sum(known[trap].values()), len(caught), len(false))
        if known[trap] or false:
            scores.append(Score(file, trap, *counts, tuple(sorted(missed)), tuple(sorted(false))))
    return scores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--details", action="store_true", help="name every missed call and every false alarm")
    arguments = parser.parse_args()
    if not (arguments.data / "traps.json").exists():
        print(f"{arguments.data} is not there: this benchmark needs the real calls beside the project", file=sys.stderr)
        return 4
    traps = json.loads((arguments.data / "traps.json").read_text(encoding="utf-8"))
    scores = []
    for name in DATA_FILES:
        with tempfile.TemporaryDirectory() as root:
            coverage = prefetch_all(arguments.data / f"{name}.parquet", root)
        scores += score(name.partition("_")[0], signs_by_call(coverage), traps)
    if arguments.json:
        print(json.dumps([asdict(line) for line in scores], indent=1))
        return 0
    print(f"{'file':<9} {'trap':<24} {'known':>5} {'findable':>8} {'caught':>6} {'recall':>6} {'false alarms':>12}")
    for line in scores:
        recall = f"{line.n_caught / line.n_findable:.2f}" if line.n_findable else "-"
        counts = f"{line.n_known:>5} {line.n_findable:>8} {line.n_caught:>6} {recall:>6} {line.n_false:>12}"
        print(f"{line.file:<9} {line.trap:<24} {counts}")
        if arguments.details:
            print(f"    missed: {', '.join(line.missed) or 'none'}; false: {', '.join(line.false_alarms) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
