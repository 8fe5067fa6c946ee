"""A history of themes that is known beforehand: births, deaths, splits, merges, a revival, noise, firms that change."""

from dataclasses import dataclass, field

import numpy as np

from ftm_ray.history.gate import Gate, find_gate, sibling_cosines, twin_cosines
from ftm_ray.history.theme_set import ThemeSet, theme_centers
from ftm_ray.vectors.unit_vectors import Vectors

DIM = 64
CHURN = 0.2
QUARTERS = ("2023Q1", "2023Q2", "2023Q3", "2023Q4", "2024Q1", "2024Q2")


@dataclass
class Planted:
    """A theme while it lives: direction of its topics, and the firms that speak of it."""

    name: int
    direction: Vectors
    firms: set[int]
    family: int


@dataclass
class History:
    """What was planted.

    Attributes:
        quarters: The themes of each quarter, with 20 % of all topics in a wrong theme or in none.
        names: Of each quarter, the planted theme behind each theme.
        edges: (quarter, kind, name, other name): what must come out; other: the parent of a split, where a merge went.
    """

    quarters: list[ThemeSet] = field(default_factory=list)
    names: list[list[int]] = field(default_factory=list)
    edges: set[tuple[str, str, int, int | None]] = field(default_factory=set)


class Planter:
    """Plants a history, always the same for a seed."""

    def __init__(self, seed: int, n_themes: int = 200, n_firms: int = 600, noise: float = 0.2) -> None:
        self.random = np.random.default_rng(seed)
        self.n_firms, self.noise = n_firms, noise
        self.living: dict[int, Planted] = {}
        self.gone: dict[int, Planted] = {}
        self.next_name = 0
        self.next_firm = n_firms
        self.active = set(range(n_firms))
        families = self._unit(self.random.standard_normal((max(1, n_themes // 5), DIM)))
        for number in range(n_themes):  # siblings of a family have a cosine of about 0.75
            family = number % len(families)
            self._plant(self._near(families[family], 0.55), family)

    def history(self) -> History:
        found = History()
        for number, quarter in enumerate(QUARTERS):
            if number:
                self._drift()
                self._events(found, quarter, revives=number == 4)
            self._write(found, quarter)
        return found

    def _plant(self, direction: Vectors, family: int = -1, firms: set[int] | None = None) -> Planted:
        size = int(self.random.integers(12, 40))
        chosen = firms or set(self.random.choice(sorted(self.active), size, replace=False).tolist())
        theme = Planted(self.next_name, direction, chosen, family)
        self.living[theme.name] = theme
        self.next_name += 1
        return theme

    def _drift(self) -> None:
        """A tenth of the firms leaves coverage, as many come; a fifth of each theme's firms changes the subject."""
        leaving = set(self.random.choice(sorted(self.active), self.n_firms // 10, replace=False).tolist())
        self.active = (self.active - leaving) | set(range(self.next_firm, self.next_firm + len(leaving)))
        self.next_firm += len(leaving)
        for theme in self.living.values():
            stay = sorted(theme.firms - leaving)
            kept = {firm for firm in stay if self.random.random() > CHURN}
            others = sorted(self.active - kept)
            joining = self.random.choice(others, max(0, len(theme.firms) - len(kept)), replace=False)
            theme.firms = kept | set(joining.tolist())
            theme.direction = self._near(theme.direction, 0.12)

    def _events(self, found: History, quarter: str, revives: bool) -> None:
        names = self.random.permutation(sorted(self.living)).tolist()
        touched = []
        for name in names[:6]:
            self.gone[name] = self.living.pop(name)
            found.edges.add((quarter, "dormant", name, None))
            if quarter == QUARTERS[1]:  # silent for five quarters in the last one
                found.edges.add((QUARTERS[5], "die", name, None))
        large = [name for name in names[6:] if len(self.living[name].firms) >= 20]
        for name in large[:5]:
            theme = self.living[name]
            firms = self.random.permutation(sorted(theme.firms)).tolist()
            part = self._plant(self._near(theme.direction, 0.5), -1, set(firms[: len(firms) * 9 // 20]))
            theme.firms -= part.firms
            found.edges.add((quarter, "split", part.name, name))
            touched += [name, part.name]
        rest = [name for name in names[6:] if name in self.living and name not in touched]
        for one, other in self._pairs_of_siblings(rest)[:5]:
            large, small = sorted((one, other), key=lambda name: (-len(self.living[name].firms), name))
            ended = self.living.pop(small)
            self.living[large].firms |= ended.firms
            self.living[large].direction = self._unit(self.living[large].direction + 0.6 * ended.direction)
            found.edges.add((quarter, "absorb", small, large))
        born = {self._plant(self._unit(self.random.standard_normal(DIM))).name for _ in range(6)}
        found.edges |= {(quarter, "emerge", name, None) for name in born}
        if revives:
            name = min(self.gone)
            self.living[name] = self.gone.pop(name)
            self.living[name].firms &= self.active
            found.edges.add((quarter, "revived", name, None))
            found.edges.discard((QUARTERS[5], "die", name, None))
        new = {name for q, kind, name, _ in found.edges if q == quarter and kind != "absorb"}
        found.edges |= {(quarter, "survive", name, None) for name in self.living if name not in new}

    def _pairs_of_siblings(self, names: list[int]) -> list[tuple[int, int]]:
        """Themes that may merge: two of a family, each in one pair."""
        single: dict[int, int] = {}
        pairs = []
        for name in names:
            family = self.living[name].family
            if family >= 0 and family in single:
                pairs.append((single.pop(family), name))
            else:
                single[family] = name
        return pairs

    def _write(self, found: History, quarter: str) -> None:
        """Topics in their themes; a fifth of them is misplaced: in another theme, or in none and about nothing."""
        order = sorted(self.living, key=lambda name: (-len(self.living[name].firms), name))
        firm_ids, themes, vectors = [], [], []
        for place, name in enumerate(order):
            for firm in sorted(self.living[name].firms & self.active):
                vector = self._near(self.living[name].direction, 0.55)
                draw = self.random.random()
                firm_ids.append(f"F{firm:05d}")
                themes.append(place if draw >= self.noise else int(self.random.integers(-1, len(order))))
                vectors.append(vector if draw >= self.noise / 2 else self._unit(self.random.standard_normal(DIM)))
        matrix, of_topic = np.array(vectors, dtype=np.float32), np.array(themes, dtype=np.int64)
        ids = tuple(f"{quarter}-{number:04d}" for number in range(1, len(order) + 1))
        centers = theme_centers(matrix, of_topic, len(order))
        n_sentences = np.full(len(of_topic), 5, dtype=np.int64)
        found.quarters.append(
            ThemeSet(
                quarter, f"{quarter}-run", ids, np.array(firm_ids), of_topic, n_sentences, matrix, centers, "e", "s"
            )
        )
        found.names.append(order)

    def _near(self, direction: Vectors, distance: float) -> Vectors:
        """A direction so many tangents away: cosine 1 / sqrt(1 + distance^2)."""
        noise = self.random.standard_normal(DIM)
        return self._unit(direction + distance * noise / np.sqrt(DIM))

    @staticmethod
    def _unit(vectors: Vectors) -> Vectors:
        return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def gate_of(themes: ThemeSet) -> Gate:
    """The gate from halves of the firms; the planted themes stand for the clusters of each half."""
    half = np.isin(themes.firm_ids, np.unique(themes.firm_ids)[::2])
    centers = [theme_centers(themes.vectors[h], themes.themes[h], len(themes.theme_ids)) for h in (half, ~half)]
    return find_gate(twin_cosines(*centers), sibling_cosines(themes.centers))
