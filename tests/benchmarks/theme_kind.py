"""How well is the kind of a theme told? Trains on some quarters, reports on others.

    python tests/benchmarks/theme_kind.py --topics SET=ROOT [--topics SET=ROOT ...] [--write] [--errors] [--json]

Labels: tests/golden/theme_kinds.csv: themes of real quarters, as the topics that they hold ("firm_id/topic_id") with
the kind that readers gave them (docs/themes.md says how). SET is a name in column `set`, and ROOT a lake in which its
quarters were run (`ftm run`); rows of sets that are not given are left out. Whole quarters are held out. Topic ids
hold for one arithmetic (here a processor without bf16 instructions) and one version of the map: a row counts only if
its topics are there and have as many sentences as column `n_sentences` says.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from ftm_ray.config import BUNDLED_ENCODER
from ftm_ray.lake.storage import Lake
from ftm_ray.themes.kind import WEIGHTS_PATH, SpokenTheme, ThemeKind, kind_features
from ftm_ray.vectors.query_encoder import load_query_encoder

#: Of 1 to 32 the best (with 1) when each quarter that was trained on is told by the others. Kinds weigh alike: in the
#: real world subjects are one in two.
INVERSE_REGULARISATION = 2.0

LABELS = Path(__file__).parents[1] / "golden" / "theme_kinds.csv"


def read_labelled(roots: dict[str, str]) -> tuple[list[dict], np.ndarray]:
    """The labelled themes whose topics are found, and their features."""
    with LABELS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] in roots]
    known: dict[tuple[str, str], dict[str, dict]] = {}
    for key in sorted({(row["set"], row["quarter"]) for row in rows}):
        known[key] = topics_of(Lake(roots[key[0]]), key[1])
    found, themes = [], []
    for row in rows:
        of_quarter = known[row["set"], row["quarter"]]
        topics = row["topics"].split(" ")
        own = [of_quarter[topic] for topic in topics if topic in of_quarter]
        if len(own) == len(topics) and sum(topic["n_sentences"] for topic in own) == int(row["n_sentences"]):
            found.append(row)
            themes.append(spoken_theme(own))
    if len(found) < len(rows):
        print(f"{len(rows) - len(found)} of {len(rows)} themes are of other topics, and left out", file=sys.stderr)
    return found, kind_features(themes, load_query_encoder(BUNDLED_ENCODER))


def topics_of(lake: Lake, quarter: str) -> dict[str, dict]:
    """Each published topic by "firm_id/topic_id"."""
    columns = ["firm_id", "topic_id", "n_sentences", "keywords", "embedding"]
    table = lake.read_folder(lake.table_dir("topics", quarter), columns)
    return {f"{row['firm_id']}/{row['topic_id']}": row for row in table.to_pylist()}


def by_stability(rows: Sequence[dict], roots: dict[str, str]) -> dict[str, dict[str, int]]:
    """How many labelled themes of each kind are unstable, and how many not, by set."""
    counts: dict[str, Counter[str]] = {}
    for name, quarter in sorted({(row["set"], row["quarter"]) for row in rows}):
        lake = Lake(roots[name])
        themes = lake.read_folder(lake.table_dir("themes", quarter), ["theme_id", "n_sentences", "stability"])
        classes = {(theme["theme_id"], str(theme["n_sentences"])): theme["stability"] for theme in themes.to_pylist()}
        for row in rows:
            theme = row["cluster"], row["n_sentences"]  # a theme of this number with as many sentences is the same
            if (row["set"], row["quarter"]) == (name, quarter) and theme in classes:
                word = "unstable" if classes[theme] == "unstable" else "other"
                counts.setdefault(f"{name}, {word}", Counter())[row["kind"]] += 1
    return {name: dict(kinds) for name, kinds in counts.items()}


def spoken_theme(topics: Sequence[dict]) -> SpokenTheme:
    vectors = np.array([topic["embedding"] for topic in topics], dtype=np.float32)
    return SpokenTheme(vectors, [topic["keywords"] for topic in topics])


def fit(features: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (3, n_features) and biases (3,), in the order of ThemeKind."""
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=5000, class_weight="balanced").fit(features, kinds)
    order = [list(model.classes_).index(kind) for kind in ThemeKind]
    return model.coef_[order], model.intercept_[order]


def write_weights(weights: np.ndarray, biases: np.ndarray) -> None:
    stored = {
        "encoder": BUNDLED_ENCODER,
        "biases": {kind: round(float(b), 5) for kind, b in zip(ThemeKind, biases, strict=True)},
        "weights": {kind: [round(float(w), 5) for w in row] for kind, row in zip(ThemeKind, weights, strict=True)},
    }
    WEIGHTS_PATH.write_text(json.dumps(stored) + "\n", encoding="utf-8")


def told_kinds(features: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
    return np.array(list(ThemeKind))[(features @ weights.T + biases).argmax(axis=1)]


def figures(kinds: np.ndarray, told: np.ndarray) -> dict:
    return {
        "n": len(kinds),
        "accuracy": round(float((told == kinds).mean()), 3),
        "subject_or_not": round(float(((told == "subject") == (kinds == "subject")).mean()), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--topics", action="append", default=[], metavar="SET=ROOT", required=True)
    parser.add_argument("--write", action="store_true", help="write the weights, of all labels together")
    parser.add_argument("--errors", action="store_true", help="list what is told wrong of what is held out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    roots = dict(pair.split("=", 1) for pair in arguments.topics)
    rows, features = read_labelled(roots)
    kinds = np.array([row["kind"] for row in rows])
    held = np.array([row["split"] == "held_out" for row in rows])
    weights, biases = fit(features[~held], kinds[~held])
    told, truth = told_kinds(features[held], weights, biases), kinds[held]
    result = {"n_train": int((~held).sum()), "of_kind": dict(Counter(kinds.tolist()))}
    result["labels_by_stability"] = by_stability(rows, roots)
    result["held_out"] = figures(truth, told)
    sets = np.array([f"{row['set']} {row['quarter']}" for row in rows])[held]
    result |= {f"held_out {name}": figures(truth[sets == name], told[sets == name]) for name in sorted(set(sets))}
    result["confusion"] = {t: {p: int(((truth == t) & (told == p)).sum()) for p in ThemeKind} for t in ThemeKind}
    if arguments.write:
        write_weights(*fit(features, kinds))
    if arguments.errors:
        for row, wrong in zip([row for row, is_held in zip(rows, held, strict=True) if is_held], told, strict=True):
            if row["kind"] != wrong:
                print(f"{row['set']} {row['quarter']} {row['cluster']}: is {row['kind']}, told {wrong}")
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
