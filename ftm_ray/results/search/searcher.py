"""Answers questions over published quarters: filters first, then two orders, then one."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.errors import ConfigError
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import topic_keys, vector_files
from ftm_ray.results.search.filters import check_filters, wanted_rows
from ftm_ray.results.search.hits import Found, SearchAnswer, make_hits
from ftm_ray.results.search.pools import Members, Pool, read_members, read_pool
from ftm_ray.results.search.ranking import Ranks, fused, ranks_of
from ftm_ray.results.search.request import Among, SearchRequest
from ftm_ray.text.word_index import WordCounts, bm25, question_words
from ftm_ray.vectors.query_encoder import QueryEncoder, load_query_encoder
from ftm_ray.vectors.unit_vectors import Vectors

#: Where sentences have no vectors of their own, those of so many topics get the place of their topic.
_SHORTLIST = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What a question found in one quarter, without the vectors and the words that were read for it.

    Attributes:
        quarter: Such as 2023Q1.
        rows: The columns of the pool.
        wanted: (n,) rows that passed the filters.
        cosines: (n,) of these; -inf where there is no vector.
        counted: The question's words in these.
    """

    quarter: str
    rows: pa.Table
    wanted: np.ndarray
    cosines: Vectors
    counted: WordCounts


class Searcher:
    """Published quarters, open for questions in a person's words.

    Args:
        lake: Where they are published.
        records: run.json of each quarter.
        keeps: Keep what was read for the next question; else only one quarter's vectors are in memory at a time.
    """

    def __init__(self, lake: Lake, records: Sequence[Mapping[str, Any]], keeps: bool = False) -> None:
        self._lake, self._keeps = lake, keeps
        self._encoders = {record["quarter"]: str(record["config"]["embed"]["model"]) for record in records}
        self._quarters = tuple(self._encoders)
        self._with_vectors = {record["quarter"] for record in records if vector_files(lake, record)}
        self._members: dict[str, Members] = {}
        self._pools: dict[tuple[str, Among], Pool] = {}
        self._loaded_encoder: QueryEncoder | None = None

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Answer a question.

        Raises:
            ConfigError: A filter lets nothing through by its nature, the quarters were not all made with one encoder,
                or that cannot be loaded.
            SourceError: ROOT cannot be read.
        """
        encoder = self._one_encoder()
        check_filters(request, {quarter: self._members_of(quarter) for quarter in self._quarters})
        words = question_words(request.question)
        with ThreadPoolExecutor(1) as beside:  # the encoder is loaded while the first quarter is read
            question = beside.submit(self._encode, request.question, encoder)
            seen = [self._seen(quarter, request, question, words) for quarter in self._quarters]
        by_topics = request.among is Among.SENTENCES and self._with_vectors != set(self._quarters)
        meaning = self._topic_ranks(request, question, seen) if by_topics else _ranks([one.cosines for one in seen])
        scores = bm25(_joined([one.counted for one in seen]))
        said = ranks_of(np.where(scores > 0, scores, -np.inf))
        found = []
        for place in fused(meaning, said, request.limit):
            one, row = _row_at(seen, place)
            ranks = (int(meaning[place]), int(said[place]))
            found.append(Found(one.quarter, self._members_of(one.quarter), row, *ranks))
        return SearchAnswer(
            question=request.question,
            among=request.among.value,
            quarters=self._quarters,
            n_searched=len(meaning),
            encoder=encoder,
            by="topics" if by_topics else "vectors",
            hits=make_hits(self._lake.root, found, request.among),
        )

    def _seen(
        self, quarter: str, request: SearchRequest, question: Future[Vectors], words: list[frozenset[str]]
    ) -> _Seen:
        pool = self._pool(quarter, request.among)
        wanted = np.flatnonzero(wanted_rows(pool, request, self._members_of(quarter)))
        counted = pool.words.count(words)
        if pool.vectors is None or not len(pool.vectors):
            cosines = np.full(pool.rows.num_rows, -np.inf, dtype=np.float32)
        else:
            cosines = pool.vectors @ self._fitting(question.result(), pool)
        if len(wanted) < pool.rows.num_rows:
            cosines = cosines[wanted]
            counted = WordCounts(counted.counts[:, wanted], counted.lengths[wanted])
        return _Seen(quarter, pool.rows, wanted, cosines, counted)

    def _topic_ranks(self, request: SearchRequest, question: Future[Vectors], seen: list[_Seen]) -> Ranks:
        """Sentences by the place of their topic; 0 = it is none of the nearest topics."""
        of_topics = replace(request, among=Among.TOPICS)
        topics = [self._seen(quarter, of_topics, question, []) for quarter in self._quarters]
        ranks = ranks_of(np.concatenate([one.cosines for one in topics]), _SHORTLIST)
        keys = [(one.quarter, key) for one in topics for key in _wanted_keys(one)]
        place = {key: int(rank) for key, rank in zip(keys, ranks, strict=True) if rank}
        said = [(one.quarter, key) for one in seen for key in _wanted_keys(one)]
        return np.array([place.get(key, 0) for key in said], dtype=np.int64)

    def _pool(self, quarter: str, among: Among) -> Pool:
        kept = self._pools.get((quarter, among))
        if kept is not None:
            return kept
        pool = read_pool(self._lake, quarter, among, self._members_of(quarter), quarter in self._with_vectors)
        if self._keeps:
            pool.words.sort()
            self._pools[quarter, among] = pool
        return pool

    def _members_of(self, quarter: str) -> Members:
        if quarter not in self._members:
            self._members[quarter] = read_members(self._lake, quarter)
        return self._members[quarter]

    def _encode(self, question: str, encoder: str) -> Vectors:
        if self._loaded_encoder is None:
            self._loaded_encoder = load_query_encoder(encoder)
        return np.asarray(self._loaded_encoder.encode([question])[0], dtype=np.float32)

    def _fitting(self, question: Vectors, pool: Pool) -> Vectors:
        """The question's vector, if it is of the length of the published ones: a name may mean another model by now."""
        if pool.vectors is not None and pool.vectors.shape[1] != len(question):
            raise ConfigError(
                f"the vectors of {pool.quarter} in {self._lake.root} have {pool.vectors.shape[1]} numbers, the encoder "
                f"'{self._encoders[pool.quarter]}' gives {len(question)} here: it is not the one that made them"
            )
        return question

    def _one_encoder(self) -> str:
        """The encoder of all quarters, as run.json names it."""
        (first, encoder), *others = self._encoders.items()
        for quarter, other in others:
            if other != encoder:
                raise ConfigError(
                    f"{first} was run with the encoder '{encoder}', {quarter} in {self._lake.root} with '{other}': "
                    "their vectors cannot be compared; choose quarters of one encoder"
                )
        return encoder


def _row_at(seen: list[_Seen], place: int) -> tuple[_Seen, dict[str, Any]]:
    """The quarter and the row of what stands at a place, counted over the wanted rows of all quarters."""
    for one in seen:
        if place < len(one.wanted):
            (row,) = one.rows.slice(int(one.wanted[place]), 1).to_pylist()
            return one, row
        place -= len(one.wanted)
    raise IndexError(place)


def _wanted_keys(seen: _Seen) -> list[tuple[str, int]]:
    keys = topic_keys(seen.rows)
    return [keys[row] for row in seen.wanted.tolist()]


def _ranks(cosines: list[Vectors]) -> Ranks:
    return ranks_of(np.concatenate(cosines))


def _joined(counted: list[WordCounts]) -> WordCounts:
    """The counts of several quarters as one: what is rare is rare in all of them."""
    return WordCounts(
        np.concatenate([one.counts for one in counted], axis=1), np.concatenate([one.lengths for one in counted])
    )
