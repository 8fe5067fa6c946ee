"""Topics of all firms, made by hand, for the tests of themes."""

import numpy as np

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.topic_set import TopicSet

SETTINGS = ThemeSettings(max_theme_ratio=1.0)  # no cap: the groups of the tests are a large share of few topics


def topic_set(vectors, firm_ids, keywords=None, n_sentences=None, boilerplate=None):
    n = len(vectors)
    seen = {}
    topic_ids = tuple(seen.setdefault(firm, []).append(0) or len(seen[firm]) - 1 for firm in firm_ids)
    return TopicSet(
        firm_ids=tuple(firm_ids),
        topic_ids=topic_ids,
        keywords=tuple(keywords or [("word",)] * n),
        n_sentences=np.array(n_sentences if n_sentences is not None else [1] * n, dtype=np.int64),
        embeddings=vectors,
        boilerplate=np.array(boilerplate if boilerplate is not None else [0.0] * n, dtype=np.float32),
    )


def firms(n, n_firms=10):
    return [f"F{i % n_firms}" for i in range(n)]


def assert_adds_up(found, n):
    in_themes = sum(len(theme.rows) for theme in found.themes)
    assert in_themes + found.n_outliers + sum(found.n_in_invalid.values()) == n
    rows = [row for theme in found.themes for row in theme.rows]
    assert len(rows) == len(set(rows))
