"""How alike two themes must be to be one theme, computed from the quarter itself.

Twins are themes that two halves of the firms, clustered apart, both find: the same theme, told by other firms. Siblings
are the nearest other theme of each theme of the quarter: alike, and not the same. The gate is the cosine that parts
twins from siblings best.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.vectors.unit_vectors import Vectors

#: Fewer twins or siblings than this say nothing; the gate is then a usual one (docs/lineage.md).
_FEWEST = 10
USUAL_GATE = 0.86


@dataclass(frozen=True, slots=True)
class Gate:
    """The least cosine, and how well it parts.

    Attributes:
        cosine: Two themes of two quarters may be one from here on.
        n_twins: Twins it was computed from; 0 = there were too few, and it is the usual one.
        twins_kept: Share of the twins above it.
        siblings_passed: Share of the siblings above it.
    """

    cosine: float
    n_twins: int = 0
    twins_kept: float | None = None
    siblings_passed: float | None = None


def find_gate(twins: npt.NDArray[np.float64], siblings: npt.NDArray[np.float64]) -> Gate:
    """The cosine at which the share of twins above it exceeds that of siblings by most.

    Args:
        twins: Cosines of the same themes in two halves of the firms.
        siblings: Cosines of each theme with its nearest other theme.
    """
    if min(len(twins), len(siblings)) < _FEWEST:
        return Gate(USUAL_GATE)
    tried = np.unique(np.concatenate([twins, siblings]))
    kept = 1 - np.searchsorted(np.sort(twins), tried) / len(twins)
    passed = 1 - np.searchsorted(np.sort(siblings), tried) / len(siblings)
    best = int(np.argmax(kept - passed))  # the lowest of equal ones: what is lost cannot be found again
    return Gate(float(tried[best]), len(twins), float(kept[best]), float(passed[best]))


def twin_cosines(left: Vectors, right: Vectors) -> npt.NDArray[np.float64]:
    """Cosines of the themes of two halves that are each other's nearest.

    Args:
        left: (n_left, dim) float32, unit L2 norm: centres of the themes of one half.
        right: (n_right, dim), of the other.
    """
    if not len(left) or not len(right):
        return np.zeros(0)
    cosines = left @ right.T
    of_left = cosines.argmax(axis=1)
    mutual = cosines.argmax(axis=0)[of_left] == np.arange(len(left))
    return np.asarray(cosines[mutual, of_left[mutual]], dtype=np.float64)


def sibling_cosines(centers: Vectors) -> npt.NDArray[np.float64]:
    """The cosine of each theme with its nearest other theme, (n_themes,); none for a single theme."""
    if len(centers) < 2:
        return np.zeros(0)
    cosines = centers @ centers.T
    np.fill_diagonal(cosines, -np.inf)
    return np.asarray(cosines.max(axis=1), dtype=np.float64)
