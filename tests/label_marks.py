"""Labels of speakers marked by hand, and how many of them are found.

Invented calls in the forms of public transcripts. Each line of a file begins with what it is: `L Name|` the label of a
speaker, or a line that begins with one; `T|` talk; `H|` a heading, a list, or a publisher's line. `speaker_labels_
chosen_on.txt` is what the rules were made on, `speaker_labels_held_out.txt` was looked at for the figures only.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ftm_ray.sources.speaker_labels import find_labels, lines_of


@dataclass(frozen=True)
class MarkedCall:
    """A call, and the names at the lines that are labels."""

    form: str
    lines: tuple[str, ...]
    names: dict[int, str]
    talk: tuple[str, ...]  # lines that are talk, and no label


@dataclass(frozen=True)
class Found:
    """Labels marked, found, and rightly found with their name; `wrong` says what is not."""

    n_marked: int
    n_found: int
    n_right: int
    wrong: tuple[str, ...]

    @property
    def precision(self) -> float:
        return self.n_right / self.n_found

    @property
    def recall(self) -> float:
        return self.n_right / self.n_marked


def read_marked(name: str) -> list[MarkedCall]:
    """The calls of a file."""
    text = (Path(__file__).parent / "golden" / f"speaker_labels_{name}.txt").read_text(encoding="utf-8")
    calls = []
    for block in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        form, *marked = block.rstrip("\n").split("\n")
        pairs = [re.fullmatch(r"(?:L (.*?)|T|H)\| ?(.*)", line) for line in marked]
        names = {row: pair[1] for row, pair in enumerate(pairs) if pair[1] is not None}
        talk = tuple(pair[2] for pair in pairs if pair[0].startswith("T|"))
        calls.append(MarkedCall(form, tuple(pair[2] for pair in pairs), names, talk))
    return calls


def find_marked(calls: list[MarkedCall]) -> Found:
    """Find the labels of these calls, each line for itself."""
    n_marked = n_found = n_right = 0
    wrong = []
    for call in calls:
        lines = lines_of("\n".join(call.lines))
        assert len(lines) == len(call.lines)
        found = {row: label.name or "" for row, label in find_labels(lines).items()}
        n_marked, n_found = n_marked + len(call.names), n_found + len(found)
        n_right += sum(call.names.get(row) == name for row, name in found.items())
        wrong += [
            f"{call.form}: {lines[row]} ({found.get(row)})"
            for row in sorted(set(found) | set(call.names))
            if found.get(row) != call.names.get(row)
        ]
    return Found(n_marked, n_found, n_right, tuple(wrong))
