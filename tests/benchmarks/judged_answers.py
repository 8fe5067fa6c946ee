"""How many of the answers that a person judged bad do the guards refuse, by kind, and how many of the good ones?

    python tests/benchmarks/judged_answers.py [--half develop|held_out] [--misses]

Prints the table of docs/naming.md. Needs ../shared/data (or FTM_TEST_DATA) for the answers to real calls and leaves
them out where it is absent. `--misses` shows the answers that were judged wrongly, of `develop` alone: the other half
stays unseen.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from judged_set import KINDS, answers, guarded, is_flagged, is_refused, read_real_sentences  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["develop", "held_out"], default="develop")
    parser.add_argument("--misses", action="store_true")
    arguments = parser.parse_args()
    if arguments.misses and arguments.half == "held_out":
        sys.exit("the misses of the held-out half stay unseen; use --half develop")
    with tempfile.TemporaryDirectory() as folder:
        real = read_real_sentences(Path(folder))
    here = [one for one in answers() if one.half == arguments.half and (one.source == "sample" or real)]
    looked_at = [(one, guarded(one, real)) for one in here]
    print(f"half {arguments.half}, {len(here)} answers" + ("" if real else ", without those to real calls"))
    print("| judged | by | n | refused | flagged, kept |\n|---|---|---|---|---|")
    for by in ("smollm2", "hand"):
        for kind in (None, *KINDS):
            group = [judged for one, judged in looked_at if (one.by, one.kind) == (by, kind)]
            if group:
                print_row(kind or "good", by, group)
    print_row("bad, all", "both", [judged for one, judged in looked_at if one.judged == "bad"])
    print_row("good, all", "both", [judged for one, judged in looked_at if one.judged == "good"])
    for one, judged in looked_at if arguments.misses else ():
        if is_refused(judged) != (one.judged == "bad"):
            print(f"{one.judged} {one.kind or ''} | {judged.outcome.value} | {one.label} | {one.text}")


def print_row(kind: str, by: str, group: list) -> None:
    print(f"| {kind} | {by} | {len(group)} | {sum(map(is_refused, group))} | {sum(map(is_flagged, group))} |")


if __name__ == "__main__":
    main()
