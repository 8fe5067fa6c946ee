"""Settings that grow with the number of topics."""

import pytest

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.scaling import MIN_TOPICS, scaled_settings


@pytest.mark.parametrize("n_topics", [MIN_TOPICS, 50, 250, 3_200, 75_000])
def test_scaled_settings_are_possible_for_so_many_topics(n_topics):
    scaled = scaled_settings(ThemeSettings(), n_topics)
    assert 2 <= scaled.n_neighbors < n_topics
    assert 2 <= scaled.n_components <= n_topics - 2
    assert 1 <= scaled.min_samples <= scaled.min_cluster_size <= n_topics // 3
    assert scaled.max_cluster_size > scaled.min_cluster_size


def test_more_topics_never_make_themes_smaller():
    sizes = [scaled_settings(ThemeSettings(), n).min_cluster_size for n in range(MIN_TOPICS, 80_000, 500)]
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 4 * sizes[0]


def test_what_the_user_sets_is_not_scaled():
    fixed = ThemeSettings(n_neighbors=9, min_cluster_size=7, min_samples=3)
    for n_topics in (100, 50_000):
        scaled = scaled_settings(fixed, n_topics)
        assert (scaled.n_neighbors, scaled.min_cluster_size, scaled.min_samples) == (9, 7, 3)


def test_very_many_topics_are_fitted_for_fewer_epochs():
    assert [scaled_settings(ThemeSettings(), n).n_epochs for n in (50, 20_000, 20_001)] == [200, 200, 50]
