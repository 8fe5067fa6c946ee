"""How well the guards tell good answers from bad ones, and support tells own sentences from others.

    python tests/benchmarks/judged_answers.py --half develop [--root ROOT]

Reads the judged set (tests/golden/judged_*.jsonl, hand_answers.jsonl). The limits were set on the half `develop`; the
figures in docs/naming.md are those of `held_out`, which nobody looked at before. ROOT holds the prefetched quarter of
the topics whose sentences are not part of the project (smoke_10_firms_2020Q1); without it these are left out, counted.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from judged_support import N_PLANTED, GoodAnswer, n_planted_told, support_figures

from ftm_ray.config import EmbedSettings
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.guards import Judged, OwnNames, judge_answer
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import Prompt, topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens
from ftm_ray.vectors.encoder import SentenceEncoder

GOLDEN = Path(__file__).parents[1] / "golden"


def rows_of(name: str, folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def key(row: dict) -> tuple:
    return row["source"], row["quarter"], row["firm_id"], row["topic_id"]


def spoken(root: str | None) -> dict[str, str]:
    """Sentences of a prefetched root by their ids."""
    if root is None:
        return {}
    lake = Lake(root)
    said = {}
    for quarter in lake.list_folders("prefetch/transcripts"):
        for file in lake.list_files(f"prefetch/transcripts/{quarter}"):
            if file.startswith("chunk"):
                for firm in lake.read_table(f"prefetch/transcripts/{quarter}/{file}", ["sentences"])["sentences"]:
                    said |= {one["sentence_id"]: one["raw_text"] for one in firm.as_py()}
    return said


def prompts(folder: Path, root: str | None) -> dict[tuple, Prompt]:
    said = spoken(root)
    found = {}
    for topic in rows_of("judged_topics", folder):
        sentences = topic.get("sentences") or [said[one] for one in topic["exemplar_ids"] if one in said]
        if sentences:
            found[key(topic)] = topic_prompt(topic.get("keywords", []), sentences, EstimatedTokens(), 900)
    return found


def judged(answer: dict, prompt: Prompt) -> Judged:
    content = answer.get("content") or json.dumps({"label": answer["label"], "summary": answer["text"]})
    return judge_answer(content, answer.get("finish_reason", "stop"), prompt, OwnNames(frozenset()))


def show_refused(answers: list[dict], asked: dict[tuple, Prompt]) -> None:
    refused, all_of = Counter(), Counter()
    started = time.thread_time()
    for answer in answers:
        kind = "good" if answer["judged"] == "good" else f"bad ({answer['by']}): {answer['kind']}"
        all_of[kind] += 1
        refused[kind] += judged(answer, asked[key(answer)]).outcome is not Outcome.NAMED
    seconds = time.thread_time() - started
    for kind in sorted(all_of):
        print(f"{kind:40s} refused {refused[kind]:3d} of {all_of[kind]:3d}")
    bad = [kind for kind in all_of if kind != "good"]
    print(f"all bad: {sum(refused[k] for k in bad)} of {sum(all_of[k] for k in bad)}")
    print(f"{1000 * seconds / max(len(answers), 1):.1f} ms an answer")


def show_support(good: list[GoodAnswer]) -> None:
    figures = support_figures(good, SentenceEncoder(EmbedSettings()))
    print(f"support AUC against other themes {figures.elsewhere:.4f}, {len(good)} answers")
    beside = float("nan") if figures.beside is None else figures.beside
    print(f"support AUC against other firms on the same theme {beside:.4f}, {figures.n_beside} answers")
    print(f"planted wrong numbers told: {n_planted_told(good)} of {N_PLANTED}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("develop", "held_out"), default="develop")
    parser.add_argument("--root")
    parser.add_argument("--golden", type=Path, default=GOLDEN)
    options = parser.parse_args()
    if not (options.golden / "judged_answers.jsonl").exists():
        sys.exit(f"no judged set in {options.golden}")
    asked = prompts(options.golden, options.root)
    of_half = [row for row in rows_of("judged_answers", options.golden) if row["half"] == options.half]
    answers = [row for row in of_half if key(row) in asked]
    print(f"{options.half}: {len(answers)} answers, {len(of_half) - len(answers)} without sentences left out")
    show_refused(answers, asked)
    themes = {key(row): row["theme"] for row in rows_of("hand_answers", options.golden)}
    show_support(
        [
            GoodAnswer(row["firm_id"], row["label"], row["text"], tuple(asked[key(row)].sources), themes[key(row)])
            for row in answers
            if row["judged"] == "good" and key(row) in themes
        ]
    )


if __name__ == "__main__":
    main()
