"""A history that is known beforehand is found again: edges, ids that hold, and no past row that changes."""

import time

import numpy as np
import pytest
from planted_history import Planter, gate_of

from ftm_ray.history.edges import Edge, Standing, edge_rows
from ftm_ray.history.next_quarter import Past, next_rows
from ftm_ray.history.theme_set import ThemeSet, theme_centers


def linked(quarters):
    """All rows, quarter after quarter, as the registry would hold them; and what it held after each."""
    lineage, attention, states = [], [], []
    by_quarter = {themes.quarter: themes for themes in quarters}
    for themes in quarters:
        gate = gate_of(themes).cosine if lineage else None
        rows = next_rows(themes, Past(lineage, attention), by_quarter.__getitem__, gate, 1)
        lineage += [row | {"quarter": themes.quarter} for row in rows.lineage]
        attention += [row | {"quarter": themes.quarter} for row in rows.attention]
        states.append(list(lineage))
    return lineage, attention, states


@pytest.fixture(scope="module", params=[11, 12, 13])
def found(request):
    history = Planter(request.param).history()
    return history, *linked(history.quarters)


def named_edges(history, lineage):
    """The edges that were found, in the names that were planted."""
    name_of, edges = {}, set()
    for themes, names in zip(history.quarters, history.names, strict=True):
        rows = [row for row in lineage if row["quarter"] == themes.quarter]
        before, place = dict(name_of), dict(zip(themes.theme_ids, names, strict=True))
        name_of |= {row["theme_uid"]: place[row["theme_id"]] for row in rows if row["theme_id"]}
        for row in rows:
            name = place[row["theme_id"]] if row["theme_id"] else before[row["theme_uid"]]
            other = name_of[row["parent_uid"]] if row["edge"] in (Edge.SPLIT, Edge.ABSORB) else None
            edges.add((themes.quarter, row["edge"], name, other))
    return {edge for edge in edges if edge[1] != Edge.FIRST_QUARTER}


def test_the_edges_are_those_that_were_planted(found):
    history, lineage, _, _ = found
    edges = named_edges(history, lineage)
    hits = len(edges & history.edges)
    assert 2 * hits / (len(edges) + len(history.edges)) >= 0.95


def test_each_kind_of_edge_is_found_and_not_told_too_often(found):
    history, lineage, _, _ = found
    edges = named_edges(history, lineage)
    for kind in (Edge.SURVIVE, Edge.EMERGE, Edge.DORMANT, Edge.SPLIT, Edge.ABSORB):
        planted, told = ({edge for edge in of_all if edge[1] == kind} for of_all in (history.edges, edges))
        assert 2 * len(told & planted) / (len(told) + len(planted)) >= 0.9, kind
    assert {edge for edge in history.edges if edge[1] == Edge.REVIVED} <= edges


def test_a_theme_that_goes_on_keeps_its_uid(found):
    history, lineage, _, _ = found
    uid_of, kept = {}, []
    rows = {(row["quarter"], row["theme_id"]): row["theme_uid"] for row in lineage if row["theme_id"]}
    for themes, names in zip(history.quarters, history.names, strict=True):
        for theme_id, name in zip(themes.theme_ids, names, strict=True):
            uid = rows[themes.quarter, theme_id]
            if name in uid_of:
                kept.append(uid_of[name] == uid)
            uid_of[name] = uid
    assert np.mean(kept) >= 0.98


def test_no_uid_stands_for_two_themes(found):
    _, lineage, _, _ = found
    spoken = [(row["quarter"], row["theme_uid"]) for row in lineage if row["theme_id"]]
    assert len(spoken) == len(set(spoken))
    new = [row["theme_uid"] for row in lineage if row["edge"] in (Edge.FIRST_QUARTER, Edge.EMERGE, Edge.SPLIT)]
    assert len(new) == len(set(new))


def test_later_quarters_change_nothing_that_was_known(found):
    history, lineage, _, states = found
    for n, state in enumerate(states, start=1):
        assert lineage[: len(state)] == state
        assert linked(history.quarters[:n])[0] == state if n == 3 else True


def test_attention_adds_up(found):
    history, _, attention, _ = found
    for themes in history.quarters:
        rows = [row for row in attention if row["quarter"] == themes.quarter]
        assert sum(row["topic_share"] for row in rows) == pytest.approx(np.mean(themes.themes >= 0))
        assert all(row["change"] is None for row in rows) == (themes is history.quarters[0])


def large_quarter(quarter, seed, n_themes=500, n_topics=12_000, dim=384):
    random = np.random.default_rng(0)
    directions = random.standard_normal((n_themes, dim))
    random = np.random.default_rng(seed)
    themes = random.integers(0, n_themes, n_topics)
    vectors = directions[themes] + random.standard_normal((n_topics, dim))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    firm_ids = np.array([f"F{number:04d}" for number in random.integers(0, 500, n_topics)])
    ids = tuple(f"{quarter}-{number:04d}" for number in range(n_themes))
    centers = theme_centers(vectors, themes, n_themes)
    return ThemeSet(quarter, "r", ids, firm_ids, themes, np.ones(n_topics, np.int64), vectors, centers, "e", "s")


def test_five_hundred_themes_are_linked_in_seconds():
    old, new = large_quarter("2023Q1", 1), large_quarter("2023Q2", 2)
    started = time.process_time()
    rows = edge_rows(new, Standing(old, {n: f"U{n}" for n in range(500)}), [], 0.8, 1)
    assert time.process_time() - started <= 5
    kept = [row.theme_uid == f"U{int(row.theme_id[-4:])}" for row in rows if row.edge is Edge.SURVIVE]
    assert len(kept) >= 490 and all(kept)
