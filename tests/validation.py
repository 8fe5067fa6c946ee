"""Writes docs/validation.md: real quarters from prefetch to themes, held against what such a pipeline must do.

    make validation
    python tests/validation.py [--keep FOLDER] [--llm none|serve|URL] [--only ten] [--out PAGE]

Needs ../shared/data (or FTM_TEST_DATA), and says so without it. Ten firms; 100 firms in two quarters, linked; a full
quarter of 478 firms: an hour on two cores, and what --keep holds is not done again. Only ids, counts and keywords come
into the page: the transcripts are not part of the project.
"""

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from command import FTM

from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.results.lineage_files import linked_entries, read_rows
from ftm_ray.results.theme_list import list_themes

PROJECT = Path(__file__).parents[1]
DATA = Path(os.environ.get("FTM_TEST_DATA", PROJECT.parent / "shared" / "data"))
N_THEMES = 20


@dataclass(frozen=True)
class Sample:
    """Calls that are run as one ROOT."""

    name: str
    title: str
    file: str
    ids: str
    quarters: tuple[str, ...]


SAMPLES = (
    Sample("ten", "Ten technology firms", "nasdaq10_2016_2020.parquet", "smoke_10_firms_2020Q1", ("2020Q1",)),
    Sample(
        "hundred",
        "100 large firms, two quarters",
        "sp500_2024Q3_2024Q4.parquet",
        "cross_100_firms_2024Q3_2024Q4",
        ("2024Q3", "2024Q4"),
    ),
    Sample(
        "quarter",
        "A full quarter of 478 large firms",
        "sp500_2024Q3_2024Q4.parquet",
        "quarter_478_firms_2024Q4",
        ("2024Q4",),
    ),
)


def ftm(*arguments: str) -> int:
    """A command as a user types it; what it says goes to the screen. Returns its exit code."""
    print("$ ftm", *arguments, flush=True)
    return subprocess.run([*FTM, *arguments], check=False, stdout=sys.stderr).returncode


def run_sample(sample: Sample, root: str, llm: str) -> list[tuple[str, int]]:
    """All commands of a sample, with their exit codes; nothing is typed between them."""
    source = ("--path", str(DATA / sample.file), "--ids", f"{DATA}/sets.json:{sample.ids}")
    done = [
        (f"ftm prefetch {quarter}", ftm("prefetch", quarter, *source, "--root", root)) for quarter in sample.quarters
    ]
    span = f"{sample.quarters[0]}..{sample.quarters[-1]}"
    done.append(
        (f"ftm run-quarters {span} --lineage", ftm("run-quarters", span, "--root", root, "--llm", llm, "--lineage"))
    )
    done += [(f"ftm verify {quarter}", ftm("verify", quarter, "--root", root)) for quarter in sample.quarters]
    return done


def criteria(
    record: dict[str, Any], codes: Sequence[tuple[str, int]], manifest_firms: int
) -> list[tuple[str, bool | None, str]]:
    """What such a pipeline is held to, whether it is met (None = could not be looked at), and the figure."""
    counts, quality, naming = record["counts"], record["quality"], record["naming"]
    failed = [f"`{command}` ended with {code}" for command, code in codes if code]
    firms = counts["n_done"] + counts["n_failed"] + counts["n_skipped"]
    sentences = counts["n_in_topics"] + counts["n_outliers"] + counts["n_dropped"]
    asked = record["llm"] is not None
    n_named = naming["n_llm"]
    return [
        ("completes without hands", not failed, "; ".join(failed) or "every command ended with 0"),
        (
            "every firm is accounted for",
            firms == counts["n_firms"] == manifest_firms,
            f"{manifest_firms} prefetched: {counts['n_done']} done, {counts['n_skipped']} skipped, "
            f"{counts['n_failed']} failed",
        ),
        (
            "every sentence is accounted for",
            sentences == counts["n_sentences"],
            f"{counts['n_sentences']:,}: {counts['n_in_topics']:,} in topics, {counts['n_outliers']:,} in none, "
            f"{counts['n_dropped']:,} left out with a reason",
        ),
        (
            "named by the LLM and not by keywords",
            n_named >= 0.98 * counts["n_topics"] if asked else None,
            f"{n_named:,} of {counts['n_topics']:,} topics" if asked else "no LLM was asked (`--llm none`)",
        ),
        (
            "themes come back under other seeds",
            None if quality["theme_stability"] is None else stable_share(quality) >= 0.65,
            "not looked at"
            if quality["theme_stability"] is None
            else f"{stable_share(quality):.0%} stable or better, each against single fits (on the careful side)",
        ),
    ]


def _map_words(record: dict[str, Any]) -> str:
    """How long the map took; a run that found parts of an earlier one tells nothing of it."""
    before = record["cost"]["n_batches_before"]
    if before:
        return f"Map: {before} batches were there from an earlier run"
    return f"Map {record['seconds']['map']:,.0f} s"


def stable_share(quality: dict[str, Any]) -> float:
    classes = quality["theme_stability"]
    return (classes.get("stable", 0) + classes.get("highly_stable", 0)) / max(sum(classes.values()), 1)


def consistent(lake: Lake, quarters: Sequence[str]) -> str:
    """What became of the themes from quarter to quarter, in words."""
    entries = linked_entries(lake, {quarter: published_record(lake, quarter)["run_id"] for quarter in quarters})
    rows = [row for row in read_rows(lake, "lineage", entries) if row["quarter"] == quarters[-1]]
    edges = Counter(row["edge"] for row in rows)
    told = ", ".join(f"{n} {edge}" for edge, n in edges.most_common())
    return f"From {quarters[0]} to {quarters[-1]}: {told}."


def page_of_quarter(lake: Lake, sample: Sample, quarter: str, codes: Sequence[tuple[str, int]]) -> list[str]:
    record = published_record(lake, quarter)
    seconds, quality = record["seconds"], record["quality"]
    own = [(command, code) for command, code in codes if quarter in command or "run-quarters" in command]
    lines = [f"### {quarter}", "| asked | met | seen |", "|---|---|---|"]
    for asked, met, seen in criteria(record, own, record["prefetch"]["n_firms"]):
        lines.append(f"| {asked} | {'not looked at' if met is None else 'yes' if met else '**no**'} | {seen} |")
    lines += [
        "",
        f"{_map_words(record)}, themes and publishing {seconds['reduce']:,.0f} s. "
        f"{record['counts']['n_topics']:,} topics ({quality['topics_per_firm']:.1f} a firm), "
        f"{quality['n_themes']} themes ({_kinds(quality)}), of the topics "
        f"{quality['theme_coverage']:.0%} in themes; coherence (NPMI) {quality['npmi_coherence']:.2f}, outliers "
        f"{quality['outlier_ratio']:.0%}. Version {record['code_version']}.",
        "",
        *failures(lake, quarter),
        f"The first {N_THEMES} themes as `ftm themes {quarter}` lists them:",
        "",
        "| theme | label | kind | stability | firms | topics | keywords |",
        "|---|---|---|---|---|---|---|",
    ]
    for theme in list_themes(lake, quarter, N_THEMES).themes:
        stability = (theme.stability or "").replace("_", " ")
        cells = (theme.theme_id, theme.label, theme.kind or "", stability, theme.n_firms, theme.n_topics)
        lines.append("| " + " | ".join(_cell(str(cell)) for cell in (*cells, ", ".join(theme.keywords[:6]))) + " |")
    return [*lines, ""]


def failures(lake: Lake, quarter: str) -> list[str]:
    """The firms that are not done, and why."""
    firms = lake.read_folder(lake.table_dir("firms", quarter), ["firm_id", "status", "reason"]).to_pylist()
    missed = [firm for firm in firms if firm["status"] != "done"]
    if not missed:
        return []
    return ["Not done:", "", *(f"- {firm['firm_id']}: {firm['status']}, {firm['reason']}" for firm in missed), ""]


def _kinds(quality: dict[str, Any]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in (quality["theme_kinds"] or {}).items()) or "no kinds"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", help="folder for the lakes; default: a temporary one")
    parser.add_argument("--llm", default="none", help="as `ftm run --llm`")
    parser.add_argument("--only", choices=[sample.name for sample in SAMPLES], action="append")
    parser.add_argument("--out", type=Path, default=PROJECT / "docs" / "validation.md")
    arguments = parser.parse_args()
    if not (DATA / "sets.json").exists():
        sys.exit(f"no test data at {DATA}; set FTM_TEST_DATA to the folder that holds sets.json")
    lines = [
        "# Validation on real calls",
        "",
        f"Written by `make validation` on {datetime.datetime.now(datetime.UTC).date()}, with `--llm {arguments.llm}`; "
        "do not edit by hand. What was read in these themes, and what was mended because of it, stands in "
        "[quality](quality.md).",
        "",
    ]
    with tempfile.TemporaryDirectory(prefix="validation-") as temporary:
        for sample in SAMPLES:
            if arguments.only and sample.name not in arguments.only:
                continue
            root = str(Path(arguments.keep or temporary) / sample.name)
            codes = run_sample(sample, root, arguments.llm)
            for command, status in codes:
                if status and "verify" not in command:
                    sys.exit(f"`{command}` ended with {status}, so nothing is written; with --keep what is done stays")
            lake = Lake(root)
            lines += [f"## {sample.title}", ""]
            if len(sample.quarters) > 1:
                lines += [consistent(lake, sample.quarters), ""]
            for quarter in sample.quarters:
                lines += page_of_quarter(lake, sample, quarter, codes)
    arguments.out.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"written: {arguments.out}")


if __name__ == "__main__":
    main()
