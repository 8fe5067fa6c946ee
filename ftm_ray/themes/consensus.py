"""Themes that do not hang on a seed: topics that most of several fits put together stay together.

Place in the flow: the fits (UMAP and HDBSCAN, one seed each) come in, one clustering goes out. The co-association of
two topics is the share of the fits that put them into the same cluster. Topics are joined by average linkage over it
until no two clusters are joined by half of the fits on average. Only clusters that are neighbours in the graph of
nearest topics are ever compared, so that 75,000 topics need no matrix of 75,000 x 75,000; but what is compared is the
exact average over all pairs of topics. It follows from how many topics of each cluster each fit put where:
the sum over all pairs is the product of these counts.

Source: Fred and Jain (2005), Combining multiple clusterings using evidence accumulation.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.vectors.clustering import Labels

#: Two clusters are one where at least this share of the fits joins their topics, on average.
MIN_CO_ASSOCIATION = 0.5

#: Where each fit put the topics of a cluster: number of topics by (fit, cluster of that fit), as one number.
_Places = Counter[int]


def consensus(fits: Sequence[Labels], neighbors: npt.NDArray[np.int32], min_cluster_size: int) -> Labels:
    """One clustering out of several; the same whatever their order.

    Args:
        fits: One (n_topics,) array of cluster numbers per fit, -1 for outliers.
        neighbors: (n_topics, n_neighbors) positions of the nearest topics of each topic.
        min_cluster_size: Smaller clusters become outliers.

    Returns:
        (n_topics,) cluster numbers, ordered by first topic; -1 for outliers.
    """
    places = _places(fits)
    # A topic that fewer than half of the fits put anywhere cannot be joined by half of them to any other.
    settled = np.flatnonzero((places >= 0).sum(axis=1) >= MIN_CO_ASSOCIATION * len(fits))
    labels = np.full(len(places), OUTLIER_TOPIC_ID, dtype=np.int64)
    if not len(settled):
        return labels
    # Topics that all fits put in the same places are one from the beginning: a third of all topics is left.
    _, first, alike = np.unique(places[settled], axis=0, return_index=True, return_inverse=True)
    alike = np.argsort(np.argsort(first))[alike.ravel()]  # numbered by first topic, not by place
    group_of = np.full(len(places), -1, dtype=np.int64)
    group_of[settled] = alike
    linkage = _Linkage(places[settled[np.sort(first)]], np.bincount(alike), len(fits))
    joined = np.array(linkage.join(_group_pairs(group_of, neighbors)), dtype=np.int64)
    labels[settled] = joined[alike]
    sizes = np.bincount(labels[settled])
    labels[settled] = np.where(sizes[labels[settled]] >= min_cluster_size, labels[settled], OUTLIER_TOPIC_ID)
    return labels


def _places(fits: Sequence[Labels]) -> npt.NDArray[np.int64]:
    """(n_topics, n_fits): clusters numbered through all fits; -1 for outliers."""
    columns, start = [], 0
    for labels in fits:
        columns.append(np.where(labels >= 0, labels + start, -1))
        start += int(labels.max()) + 1
    return np.stack(columns, axis=1)


def _group_pairs(group_of: npt.NDArray[np.int64], neighbors: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The pairs of different groups that hold neighbours, (n_pairs, 2), smaller number first, each once."""
    of_neighbors = group_of[neighbors].ravel()
    of_topics = np.repeat(group_of, neighbors.shape[1])
    usable = (of_topics >= 0) & (of_neighbors >= 0) & (of_topics != of_neighbors)
    pairs = np.stack([of_topics[usable], of_neighbors[usable]], axis=1)
    pairs.sort(axis=1)
    return np.unique(pairs, axis=0) if len(pairs) else pairs


class _Linkage:
    """Average linkage over the neighbours only: a heap of the pairs that may still be joined.

    Args:
        places: (n_groups, n_fits) where each fit put the topics of a group.
        sizes: (n_groups,) topics of each group.
        n_fits: How many fits there are.
    """

    def __init__(self, places: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], n_fits: int) -> None:
        self._places = places
        self._n_fits = n_fits
        self._size = dict(enumerate(sizes.tolist()))
        self._counts: dict[int, _Places] = {
            group: Counter({place: size for place in row if place >= 0})
            for group, (row, size) in enumerate(zip(places.tolist(), sizes.tolist(), strict=True))
        }
        self._near: dict[int, set[int]] = {group: set() for group in self._size}
        self._heap: list[tuple[float, int, int]] = []
        self._parent = list(self._size)

    def join(self, pairs: npt.NDArray[np.int64]) -> list[int]:
        """Join until no pair of neighbours is above the limit; returns the cluster of each group, numbered from 0."""
        for a, b in self._together(pairs):
            self._near[a].add(b)
            self._near[b].add(a)
            self._offer(a, b)
        while self._heap:
            _, a, b = heapq.heappop(self._heap)
            if a in self._size and b in self._size:  # else one of them was joined to another meanwhile
                self._merge(a, b)
        return self._numbered()

    def _together(self, pairs: npt.NDArray[np.int64]) -> Iterable[tuple[int, int]]:
        """The pairs that at least one fit put together."""
        if not len(pairs):
            return []
        left, right = self._places[pairs[:, 0]], self._places[pairs[:, 1]]
        return [tuple(pair) for pair in pairs[((left == right) & (left >= 0)).any(axis=1)].tolist()]

    def _offer(self, a: int, b: int) -> None:
        few, many = sorted((self._counts[a], self._counts[b]), key=len)
        n_joined = sum(n * many[place] for place, n in few.items() if place in many)
        co_association = n_joined / (self._n_fits * self._size[a] * self._size[b])
        if co_association >= MIN_CO_ASSOCIATION:
            heapq.heappush(self._heap, (-co_association, min(a, b), max(a, b)))

    def _merge(self, a: int, b: int) -> None:
        new = len(self._parent)
        self._parent.append(new)
        self._parent[a] = self._parent[b] = new
        self._size[new] = self._size.pop(a) + self._size.pop(b)
        self._counts[new] = self._counts.pop(a) + self._counts.pop(b)
        self._near[new] = (self._near.pop(a) | self._near.pop(b)) - {a, b}
        for other in sorted(self._near[new]):
            self._near[other] -= {a, b}
            self._near[other].add(new)
            self._offer(new, other)

    def _numbered(self) -> list[int]:
        number: dict[int, int] = {}
        found = []
        for group in range(len(self._places)):
            top = group
            while self._parent[top] != top:
                self._parent[top] = self._parent[self._parent[top]]
                top = self._parent[top]
            found.append(number.setdefault(top, len(number)))
        return found
