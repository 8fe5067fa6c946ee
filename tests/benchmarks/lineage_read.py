"""Matches of a long history, for a person to read; and what the one who read them found.

    python tests/benchmarks/lineage_read.py --root ROOT 2016Q1 2016Q2 ...   # prints each match, without its figures
    python tests/benchmarks/lineage_read.py                                 # counts the verdicts
    python tests/benchmarks/lineage_read.py --verdicts tests/golden/lineage_matches_478.csv   # those of two readers
    python tests/benchmarks/lineage_read.py --parts     # splits and absorptions of all sets: which cosine tells them

A match is an edge with a theme on either side: survive, revived, split, absorb. The reader sees no cosine, no flow and
no margin, since the question is whether these would have told. Verdicts: tests/golden/lineage_matches.csv, ids and
figures of the 213 matches of ten firms over 19 quarters (docs/lineage.md has the rules of the verdicts, and how the
themes were made: a run of today gives others).
"""

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ftm_ray

VERDICTS = Path(__file__).parents[1] / "golden" / "lineage_matches.csv"
_SENTENCES = 2
_VERDICTS = ("right", "doubtful", "wrong")

#: Chosen on every second quarter of the ten firms (docs/lineage.md), and held here against other calls.
_BOUNDS_OF_TEN_FIRMS = {"smaller_flow": 0.36, "margin": 0.16}

Row = dict[str, Any]


def matches(lineage: Sequence[Row]) -> Iterator[tuple[Row, str, str]]:
    """Each match in the order of quarters, with its old and its new theme_id."""
    last: dict[str, str] = {}
    for quarter in sorted({row["quarter"] for row in lineage}):
        rows = [row for row in lineage if row["quarter"] == quarter]
        now = {row["theme_uid"]: row["theme_id"] for row in rows if row["theme_id"]}
        for row in sorted(rows, key=lambda row: (row["theme_id"] or "~", row["theme_uid"])):
            uid, parent = row["theme_uid"], row["parent_uid"]
            if row["edge"] in ("survive", "revived"):
                yield row, last[uid], row["theme_id"]
            elif row["edge"] == "split":
                yield row, last[parent], row["theme_id"]
            elif row["edge"] == "absorb":
                yield row, last[uid], now[parent]
        last |= now


class Book:
    """What the themes of all quarters say."""

    def __init__(self, root: str, quarters: Sequence[str]) -> None:
        self._results = ftm_ray.open_results(root, *quarters)
        self.lineage = self._rows("SELECT * FROM lineage")
        self._themes = {row["theme_id"]: row for row in self._rows("SELECT * EXCLUDE (embedding) FROM themes")}
        self._topics: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self._rows("""
            SELECT m.theme_id, m.firm_id, t.keywords, s.raw_text
            FROM theme_topics m JOIN topics t USING (quarter, firm_id, topic_id)
            JOIN sentences s ON s.quarter = t.quarter AND s.sentence_id = t.exemplar_ids[1]
            ORDER BY m.theme_id, m.similarity DESC, m.firm_id, m.topic_id
        """):
            self._topics[row["theme_id"]].append(row)

    def _rows(self, query: str) -> list[Row]:
        return self._results.sql(query).to_arrow_table().to_pylist()

    def show(self, theme_id: str) -> None:
        theme, topics = self._themes[theme_id], self._topics[theme_id]
        size = f"{theme['n_firms']} firms, {theme['n_topics']} topics"
        print(f"  {theme_id} ({theme['kind']}, {size}): {', '.join(theme['keywords'])}")
        for topic in topics[:_SENTENCES]:
            print(f"     {topic['firm_id']}: {topic['raw_text'][:140]}")
        print("     " + "; ".join(f"{topic['firm_id']} {'/'.join(topic['keywords'][:2])}" for topic in topics))


def read_aloud(root: str, quarters: Sequence[str]) -> None:
    book = Book(root, quarters)
    for number, (row, old, new) in enumerate(matches(book.lineage), 1):
        print(f"#{number} {row['quarter']} {row['edge']}")
        book.show(old)
        book.show(new)


def judged(verdicts: Path) -> list[Row]:
    """The matches that were read; figures as numbers, the smaller of both flows, and the cosine above the gate."""
    with verdicts.open(encoding="utf-8") as file:
        rows: list[Row] = list(csv.DictReader(file))
    for row in rows:
        # No firm of the theme is in both quarters: that is no flow.
        row |= {name: float(row[name] or 0) for name in ("cosine", "flow_in", "flow_out", "margin", "gate")}
        row["smaller_flow"] = min(row["flow_in"], row["flow_out"])
        row["above_gate"] = row["cosine"] - row["gate"]
    return rows


def counted(rows: Sequence[Row]) -> str:
    counts = Counter(row["verdict"] for row in rows)
    return f"{len(rows):3d}: " + ", ".join(f"{counts[word]} {word}" for word in _VERDICTS)


def by(name: str, rows: Sequence[Row], key: Callable[[Row], str]) -> None:
    print(name)
    for value in sorted({key(row) for row in rows}):
        print(f"  {value:20s} {counted([row for row in rows if key(row) == value])}")


def best_bound(rows: Sequence[Row], column: str) -> float:
    """The bound above which the share of right matches exceeds that of the others by most."""
    right = [row[column] for row in rows if row["verdict"] == "right"]
    other = [row[column] for row in rows if row["verdict"] != "right"]

    def gain(bound: float) -> float:
        return sum(x >= bound for x in right) / len(right) - sum(x >= bound for x in other) / len(other)

    return max(sorted({round(row[column], 2) for row in rows}), key=gain)


def warnings(rows: Sequence[Row]) -> None:
    """How well a column warns: its bound from every second quarter, reported on the others."""
    quarters = sorted({row["quarter"] for row in rows})
    chosen_on = [row for row in rows if row["quarter"] in quarters[::2]]
    held_out = [row for row in rows if row["quarter"] in quarters[1::2]]
    print(f"went on or came back: bounds chosen on {len(chosen_on)}, reported on {len(held_out)} of other quarters")
    for column in ("cosine", "smaller_flow", "margin"):
        bound = best_bound(chosen_on, column)
        above = [row for row in held_out if row[column] >= bound]
        below = [row for row in held_out if row[column] < bound]
        print(f"  {column} {bound:.2f}: from there {counted(above)} | below {counted(below)}")
    for name, half in (("chosen on", chosen_on), ("held out", held_out)):
        crossed = [row for row in half if {row["old_kind"], row["new_kind"]} == {"subject", "vague"}]
        print(f"  from subject to vague or back, {name}: {counted(crossed)}")
    empty = [row for row in rows if row["smaller_flow"] == 0 and row["margin"] <= 0.01]
    print(f"  a flow of 0 and a margin of at most 0.01: {counted(empty)}")


def of_two(rows: Sequence[Row]) -> str:
    second = [row | {"verdict": row["second_verdict"]} for row in rows]
    agreed = [row for row in rows if row["verdict"] == row["second_verdict"]]
    return f"first {counted(rows)} | second {counted(second)} | both the same {counted(agreed)}"


def two_readers(rows: Sequence[Row]) -> None:
    """What each of two readers found, who did not see the other's verdicts, and where both found the same."""
    for edge in sorted({row["edge"] for row in rows}):
        print(f"{edge:12s} {of_two([row for row in rows if row['edge'] == edge])}")
    chains = [row for row in rows if row["edge"] in ("survive", "revived")]
    print("went on or came back:")
    for column, bound in _BOUNDS_OF_TEN_FIRMS.items():
        print(f"  {column} from {bound:.2f}: {of_two([row for row in chains if row[column] >= bound])}")
        print(f"  {column} below {bound:.2f}: {of_two([row for row in chains if row[column] < bound])}")
    is_subject = [row for row in chains if {row["old_kind"], row["new_kind"]} == {"subject"}]
    print(f"  subjects on both sides: {of_two(is_subject)}")


def parts() -> None:
    """All splits and absorptions that were read: a bound of their cosine, and quarters it was not chosen on."""
    of_set = {
        name: [row for row in judged(VERDICTS.with_name(f"{name}.csv")) if row["edge"] in ("split", "absorb")]
        for name in ("lineage_matches", "lineage_matches_478", "lineage_matches_short_calls")
    }
    ten_firms, large, short = of_set.values()
    chosen_on = ten_firms + [row for row in short if row["quarter"] < "2016Q1"]
    held_out = large + [row for row in short if row["quarter"] >= "2016Q1"]

    def gain(column: str, bound: float) -> int:
        kept = Counter(row["verdict"] for row in chosen_on if row[column] >= bound)
        return kept["right"] - kept["wrong"]

    for column in ("cosine", "above_gate"):
        bound = max(sorted({round(row[column], 2) for row in chosen_on}), key=lambda bound: gain(column, bound))
        for name, rows in (("chosen on", chosen_on), ("held out", held_out)):
            above = counted([row for row in rows if row[column] >= bound])
            below = counted([row for row in rows if row[column] < bound])
            print(f"{name:9s}: {column} from {bound:5.2f} {above} | below {below}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root")
    parser.add_argument("--verdicts", type=Path, default=VERDICTS)
    parser.add_argument("--parts", action="store_true", help="splits and absorptions of all sets")
    parser.add_argument("quarters", nargs="*")
    args = parser.parse_args()
    if args.root:
        read_aloud(args.root, args.quarters)
        return
    if args.parts:
        parts()
        return
    rows = judged(args.verdicts)
    if "second_verdict" in rows[0]:
        two_readers(rows)
        return
    chains = [row for row in rows if row["edge"] in ("survive", "revived")]
    print("all", counted(rows))
    by("edge", rows, lambda row: row["edge"])
    by("kind of both sides, went on or came back", chains, lambda row: f"{row['old_kind']} > {row['new_kind']}")
    largest = sorted(chains, key=lambda row: (-int(row["n_topics"]), row["new_theme"]))[:40]
    print("the 40 largest that went on or came back", counted(largest))
    warnings(chains)


if __name__ == "__main__":
    main()
