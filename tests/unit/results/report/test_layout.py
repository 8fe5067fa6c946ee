"""Places on the map: the same each time, alike beside alike, and where they were when a quarter is added."""

import numpy as np

from ftm_ray.results.report.layout import place_topics


def test_alike_topics_lie_near_each_other(blobs):
    [places] = place_topics([blobs([30, 30, 30])])
    points = places.astype(float)
    groups = [points[start : start + 30] for start in (0, 30, 60)]
    within = max(float(np.ptp(group, axis=0).max()) for group in groups)
    centres = [group.mean(axis=0) for group in groups]
    apart = min(float(np.linalg.norm(a - b)) for i, a in enumerate(centres) for b in centres[:i])
    assert apart > within


def test_the_same_vectors_get_the_same_places(blobs):
    vectors = blobs([30, 30])
    assert np.array_equal(place_topics([vectors])[0], place_topics([vectors.copy()])[0])


def test_a_later_quarter_moves_nothing_and_finds_its_like(blobs):
    first, later = blobs([30, 30, 30]), blobs([30, 30, 30], seed=1)
    [alone] = place_topics([first])
    both = place_topics([first, later])
    assert np.array_equal(both[0], alone)
    nearest = [np.linalg.norm(alone.astype(float) - place, axis=1).argmin() // 30 for place in both[1].astype(float)]
    assert nearest == [0] * 30 + [1] * 30 + [2] * 30


def test_topics_that_umap_does_not_see_lie_beside_those_that_it_sees(blobs):
    [places] = place_topics([blobs([60, 60])], n_fitted=40)
    points = places.astype(float)
    centres = points[:60].mean(axis=0), points[60:].mean(axis=0)
    own = np.linalg.norm(points[:60] - centres[0], axis=1) < np.linalg.norm(points[:60] - centres[1], axis=1)
    assert own.all()


def test_few_topics_and_none_have_places_too(blobs):
    for n in (1, 2, 3, 19):
        [places] = place_topics([blobs([n])])
        assert places.shape == (n, 2)
    empty = np.empty((0, 16), dtype=np.float32)
    assert [len(places) for places in place_topics([empty, blobs([5])])] == [0, 5]
    assert [len(places) for places in place_topics([empty])] == [0]
