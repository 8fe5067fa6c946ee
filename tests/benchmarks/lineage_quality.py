"""How well themes are followed: on a planted history, and on real quarters for a person to read.

python tests/benchmarks/lineage_quality.py --seeds 11 12 13
python tests/benchmarks/lineage_quality.py --root ROOT 2024Q3 2024Q4 --top 40
python tests/benchmarks/lineage_quality.py --root ROOT 2024Q3 2024Q4 --names   # that hold without a word of theirs
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "unit" / "history")]

from planted_history import Planter  # noqa: E402
from test_planted_history import large_quarter, linked, named_edges  # noqa: E402

import ftm_ray  # noqa: E402
from ftm_ray.history.edges import Edge, Standing, edge_rows  # noqa: E402
from ftm_ray.history.names import Called, GivenName  # noqa: E402
from ftm_ray.run.lineage import extend_lineage  # noqa: E402

_MATCHES = """
    SELECT n.theme_id, n.n_firms, n.keywords, l.edge, l.cosine, l.flow_in, l.flow_out, l.margin,
           o.theme_id AS old_id, o.n_firms AS old_firms, o.keywords AS old_keywords
    FROM themes n JOIN lineage l USING (quarter, theme_id)
    LEFT JOIN (lineage ol JOIN themes o USING (quarter, theme_id))
      ON ol.theme_uid = coalesce(l.parent_uid, l.theme_uid) AND ol.quarter = $old
    WHERE n.quarter = $new ORDER BY n.n_topics DESC, n.theme_id LIMIT $top
"""

_HELD = """
    SELECT l.theme_id, l.theme_label, t.keywords, t.kind FROM lineage l JOIN themes t USING (quarter, theme_id)
    WHERE l.naming = 'held' ORDER BY t.n_topics DESC, l.theme_id
"""


def planted(seed: int) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Prints a seed's figures; returns how many edges of each kind were hit, were there, and were told."""
    history = Planter(seed).history()
    started = time.process_time()
    lineage, _, _ = linked(history.quarters)
    seconds = time.process_time() - started
    edges = named_edges(history, lineage)
    hits = edges & history.edges
    f1 = 2 * len(hits) / (len(edges) + len(history.edges))
    rows = {(row["quarter"], row["theme_id"]): row["theme_uid"] for row in lineage if row["theme_id"]}
    uid_of, kept = {}, []
    for themes, names in zip(history.quarters, history.names, strict=True):
        for theme_id, name in zip(themes.theme_ids, names, strict=True):
            uid = rows[themes.quarter, theme_id]
            kept += [uid_of[name] == uid] if name in uid_of else []
            uid_of[name] = uid
    print(f"seed {seed}: F1 {f1:.3f}, uid kept {sum(kept) / len(kept):.3f}, CPU {seconds:.1f} s")
    found, there = Counter(edge[1] for edge in hits), Counter(edge[1] for edge in history.edges)
    told = Counter(edge[1] for edge in edges)
    print("  " + ", ".join(f"{kind} {found[kind]} of {n} (told {told[kind]})" for kind, n in sorted(there.items())))
    return found, there, told


def together(of_seeds: list[tuple[Counter[str], Counter[str], Counter[str]]]) -> None:
    """F1 of each kind of edge over all seeds: most edges are survivals, and one figure of all hides the others."""
    found, there, told = (sum(counters, Counter()) for counters in zip(*of_seeds, strict=True))
    kinds = ", ".join(f"{kind} {2 * found[kind] / (there[kind] + told[kind]):.3f}" for kind in sorted(there))
    print(f"all seeds: F1 {2 * found.total() / (there.total() + told.total()):.3f}; by kind: {kinds}")


def speed() -> None:
    old, new = large_quarter("2023Q1", 1), large_quarter("2023Q2", 2)
    started, clock = time.process_time(), time.perf_counter()
    rows = edge_rows(new, Standing(old, {n: f"U{n}" for n in range(500)}), [], 0.8, 1)
    seconds = f"{time.process_time() - started:.1f} s CPU, {time.perf_counter() - clock:.1f} s"
    print(f"500 x 500 themes: {seconds}, {sum(row.edge is Edge.SURVIVE for row in rows)} go on")


def real(root: str, old: str, new: str, top: int) -> None:
    for step in extend_lineage(root, [old, new]):
        print(step)
    results = ftm_ray.open_results(root, old, new)
    for row in results.sql(_MATCHES, old=old, new=new, top=top).to_arrow_table().to_pylist():
        figures = [row[name] for name in ("cosine", "flow_in", "flow_out", "margin")]
        words = " ".join("-" if value is None else f"{value:.2f}" for value in figures)
        print(f"{row['theme_id']} {row['n_firms']:3d} {row['edge']:9s} {words}  {', '.join(row['keywords'][:6])}")
        if row["old_id"]:
            print(f"   {row['old_id']} {row['old_firms']:3d}  {', '.join(row['old_keywords'][:6])}")


def names_without_words(root: str, quarters: list[str]) -> None:
    """Names that the gate held, in a registry without an LLM, of which no word is a keyword of the theme now."""
    rows = ftm_ray.open_results(root, *quarters).sql(_HELD).to_arrow_table().to_pylist()
    themes = [(row, Called("", GivenName(row["theme_label"], "", ""), 1.0, tuple(row["keywords"]))) for row in rows]
    without = [row for row, theme in themes if not theme.says_its_name()]
    for row in without:
        print(f"{row['theme_id']} {row['kind']:7s} {row['theme_label']} > {', '.join(row['keywords'])}")
    print(f"{len(without)} of {len(rows)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quarters", nargs="*")
    parser.add_argument("--root")
    parser.add_argument("--top", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--names", action="store_true")
    options = parser.parse_args()
    if options.seeds:
        together([planted(one) for one in options.seeds])
        speed()
    if options.names:
        names_without_words(options.root, options.quarters)
    elif options.root:
        real(options.root, *options.quarters, options.top)
