"""How well support tells the sentences that a good answer was written from, from those of others.

Used by the benchmark that prints the figures of docs/naming.md and by the test that holds them.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ftm_ray.naming.word_support import unsaid_figures, word_share
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.unit_vectors import mean_vector

N_PLANTED = 50

_SHAPES = ("by {}%", "of ${} million", "in {} sites", "by {} basis points", "over {} months")
#: Zero to twenty, as they are spoken.
_NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]


@dataclass(frozen=True, slots=True)
class GoodAnswer:
    """A good answer and what it was written from.

    Attributes:
        theme: Which theme its topic belongs to; null where it belongs to none.
    """

    firm_id: str
    label: str
    text: str
    sources: tuple[str, ...]
    theme: str | None


@dataclass(frozen=True, slots=True)
class SupportFigures:
    """Areas under the curve of own against others' sentences; 0.5 is chance, null where no pair could be made.

    Attributes:
        elsewhere: Against other firms' topics of other themes.
        beside: Against other firms' topics of the same theme.
        n_beside: Answers that have such a topic.
    """

    elsewhere: float | None
    beside: float | None
    n_beside: int


def support_figures(good: Sequence[GoodAnswer], encoder: SentenceEncoder) -> SupportFigures:
    """Each text with its own sentences, with those of other themes, and with other firms' on the same theme."""
    texts = encoder.encode([answer.text for answer in good])
    own = np.stack([mean_vector(encoder.encode(list(answer.sources))) for answer in good])
    cosines = texts @ own.T
    shares = [[word_share(f"{a.label}. {a.text}", b.sources) or 0.0 for b in good] for a in good]

    def pair(i: int, j: int, others: list[int]) -> float:
        deviations = (cosines[i, j] - cosines[i, others].mean()) / max(cosines[i, others].std(), 1e-6)
        return float(np.clip(deviations / 4.0, 0.0, 1.0) + shares[i][j]) / 2

    mine, elsewhere, beside = [], [], []
    for i, answer in enumerate(good):
        others = [j for j, other in enumerate(good) if other.firm_id != answer.firm_id]
        same = [j for j in others if answer.theme is not None and good[j].theme == answer.theme]
        mine.append(pair(i, i, others))
        beside.append([pair(i, j, others) for j in same])
        elsewhere.append([pair(i, j, others) for j in others if j not in same])
    return SupportFigures(_auc(mine, elsewhere), _auc(mine, beside), sum(map(bool, beside)))


def n_planted_told(good: Sequence[GoodAnswer]) -> int:
    """How many of fifty wrong figures are told, each written into a good text; half of them up to twenty."""
    chance = random.Random(0)
    told = 0
    for number in range(N_PLANTED):
        answer = good[number % len(good)]
        words = re.findall(r"[a-z]+|\d+", " ".join(answer.sources).lower())
        said = {word for word in words if word.isdigit()} | {
            str(_NUMBERS.index(word)) for word in words if word in _NUMBERS
        }
        wrong = next(
            n
            for n in iter(lambda: chance.choice((chance.randint(1, 20), chance.randint(21, 989))), None)
            if str(n) not in said
        )
        text = answer.text.rstrip(".") + f", {_SHAPES[number % len(_SHAPES)].format(wrong)}."
        told += any(str(wrong) in figure for figure in unsaid_figures(text, answer.sources))
    return told


def _auc(own: Sequence[float], others: Sequence[Sequence[float]]) -> float | None:
    """Area under the curve of each text's own pair against its shuffled ones."""
    ranks = [np.mean([(o < mine) + 0.5 * (o == mine) for o in of]) for mine, of in zip(own, others, strict=True) if of]
    return float(np.mean(ranks)) if ranks else None
