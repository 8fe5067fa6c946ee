"""How much attention a theme gets, and how surprising the change is.

Clusterings of two quarters differ for reasons of their own, so the change is measured alike in both: a topic counts
for the theme of the new quarter whose centre is nearest, if it is as near as nine of ten of the theme's own topics; and
only among the firms that are in both quarters. What was said before is looked at with today's themes, not the reverse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.history.theme_set import NO_THEME, ThemeSet

#: A topic as near to a theme's centre as all but this share of its own topics counts for it.
_FAR_SHARE = 0.1

#: A theme's own past says nothing with fewer changes than this.
_FEWEST_CHANGES = 4

#: Similarities are computed for so many topics at once.
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Attention:
    """Of one theme; shares are 0..1, of change null where there is no quarter before."""

    firm_share: float
    topic_share: float
    sentence_share: float
    n_firms_both: int | None = None
    firm_share_both: float | None = None
    firm_share_before: float | None = None
    change: float | None = None
    z_themes: float | None = None
    z_past: float | None = None

    @property
    def surprise(self) -> float | None:
        """One figure to order themes by: the mean of both z-scores, or the one that is known."""
        known = [z for z in (self.z_themes, self.z_past) if z is not None]
        return sum(known) / len(known) if known else None


def theme_attention(new: ThemeSet, before: ThemeSet | None, past_changes: Sequence[Sequence[float]]) -> list[Attention]:
    """The attention of each theme of a quarter.

    Args:
        new: The quarter.
        before: The quarter before it; None in a registry's first one.
        past_changes: Of each theme, the changes of earlier quarters.
    """
    shares = _shares(new)
    firms = set(new.firm_ids.tolist()) & set(before.firm_ids.tolist()) if before is not None else set()
    if before is None or not firms:
        return [Attention(*row) for row in shares]
    limits = _limits(new)
    now = _firm_shares(new, new, limits, firms)
    earlier = _firm_shares(before, new, limits, firms)
    changes = now - earlier
    spread = float(changes.std())
    found = []
    for j, row in enumerate(shares):
        z_themes = float((changes[j] - changes.mean()) / spread) if spread > 0 else None
        z_past = _z_past(float(changes[j]), past_changes[j])
        found.append(Attention(*row, len(firms), float(now[j]), float(earlier[j]), float(changes[j]), z_themes, z_past))
    return found


def _shares(themes: ThemeSet) -> list[tuple[float, float, float]]:
    """Of each theme: its share of all firms with topics, of all topics, and of all sentences in topics."""
    n = len(themes.theme_ids)
    inside = themes.themes != NO_THEME
    pairs = set(zip(themes.firm_ids[inside].tolist(), themes.themes[inside].tolist(), strict=True))
    firms = np.bincount([theme for _, theme in sorted(pairs)], minlength=n) if pairs else np.zeros(n)
    topics = np.bincount(themes.themes[inside], minlength=n)
    sentences = np.bincount(themes.themes[inside], weights=themes.n_sentences[inside], minlength=n)
    n_firms, n_topics, n_sentences = (
        max(1, int(total))
        for total in (len(set(themes.firm_ids.tolist())), len(themes.themes), themes.n_sentences.sum())
    )
    return [
        (float(firms[j] / n_firms), float(topics[j] / n_topics), float(sentences[j] / n_sentences)) for j in range(n)
    ]


def _limits(new: ThemeSet) -> npt.NDArray[np.float64]:
    """The least cosine to each theme's centre that counts, (n_themes,)."""
    inside = new.themes != NO_THEME
    similarities = np.einsum("td,td->t", new.vectors[inside], new.centers[new.themes[inside]])
    of_theme = new.themes[inside]
    return np.array([np.quantile(similarities[of_theme == j], _FAR_SHARE) for j in range(len(new.theme_ids))])


def _firm_shares(
    said: ThemeSet, themes: ThemeSet, limits: npt.NDArray[np.float64], firms: set[str]
) -> npt.NDArray[np.float64]:
    """The share of these firms that speak of each theme, (n_themes,)."""
    rows = np.flatnonzero(np.isin(said.firm_ids, sorted(firms)))
    speaking: list[set[str]] = [set() for _ in themes.theme_ids]
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        cosines = said.vectors[block] @ themes.centers.T
        nearest = cosines.argmax(axis=1)
        near = cosines[np.arange(len(block)), nearest] >= limits[nearest]
        for row, theme in zip(block[near].tolist(), nearest[near].tolist(), strict=True):
            speaking[theme].add(str(said.firm_ids[row]))
    return np.array([len(of_theme) / len(firms) for of_theme in speaking])


def _z_past(change: float, past: Sequence[float]) -> float | None:
    """How far a change is out of the theme's own, in their standard deviations."""
    if len(past) < _FEWEST_CHANGES:
        return None
    spread = float(np.std(past, ddof=1))
    return (change - float(np.mean(past))) / spread if spread > 0 else None
