"""Cluster settings that grow with the number of topics, where the user left them open."""

from ftm_ray.config import ThemeSettings
from ftm_ray.vectors.clustering import ClusterSettings

#: Fewer topics than this cannot be clustered: no themes, and the run says so.
MIN_TOPICS = 12

#: A cluster of more than this many times the square root of the number of topics is split: 18 of 50, 125 of 2,500, 680
#: of 75,000. Without a limit 150 health-care topics of 2,500 were one theme, and 50 topics were two.
_LARGEST_PER_ROOT = 2.5


#: Themes of sixteen short fits come back more often under other seeds than those of eight long ones, in less time
#: (docs/themes.md); above so many topics a fit takes more than half a minute, and eight must do.
_MANY_FITS, _FEW_FITS, TOPICS_OF_MANY_FITS = 16, 8, 20_000

#: Fits without a fifth of the firms: enough for a mean. Above `TOPICS_OF_MANY_FITS` one less, so that with the eight
#: fits of all topics they are twelve, which two, three, four or six cores make without one of them standing idle.
_MANY_RESAMPLES, _FEW_RESAMPLES = 5, 4

#: UMAP's own 500 epochs of fewer than 10,000 topics take 2.5 times as long as these.
_N_EPOCHS = 200

#: Above `TOPICS_OF_MANY_FITS`, where epochs are most of a fit's minutes: themes of 11,823 real topics from eight fits
#: of 50 epochs come back as often as from eight of 200, and lie as far apart (docs/themes.md).
_N_EPOCHS_OF_FEW_FITS = 50


def number_of_fits(settings: ThemeSettings, n_topics: int) -> int:
    """Fits that themes are the consensus of, where the user left it open."""
    return settings.n_fits or (_MANY_FITS if n_topics <= TOPICS_OF_MANY_FITS else _FEW_FITS)


def number_of_resamples(settings: ThemeSettings, n_topics: int) -> int:
    """Fits without a fifth of the firms, from which a theme's stability over firms is told; 0 where that is off."""
    if settings.stability == "off":
        return 0
    return _MANY_RESAMPLES if n_topics <= TOPICS_OF_MANY_FITS else _FEW_RESAMPLES


def scaled_settings(settings: ThemeSettings, n_topics: int) -> ClusterSettings:
    """Fill in what the user left open.

    The smallest theme grows with the 0.28th power of the number of topics: 4 topics at 250 (ten firms), 8 at 3,200
    (a hundred), 20 at 75,000 (a quarter); the first two were chosen by reading themes, the curve joins them to the
    setting that others used for a quarter. Neighbours grow from 8 to 30 in the same range (docs/configuration.md).
    """
    size = settings.min_cluster_size or max(3, round(4 * (n_topics / 250) ** 0.28))
    return ClusterSettings(
        n_neighbors=min(settings.n_neighbors or min(30, max(8, n_topics // 150)), n_topics - 1),
        n_components=min(settings.n_components, n_topics - 2),
        min_dist=settings.min_dist,
        n_epochs=_N_EPOCHS if n_topics <= TOPICS_OF_MANY_FITS else _N_EPOCHS_OF_FEW_FITS,
        min_cluster_size=size,
        min_samples=settings.min_samples or max(1, round(size / 6)),
        cluster_selection_method=settings.cluster_selection_method,
        random_state=settings.random_state,
        max_cluster_size=max(size + 1, round(_largest_ratio(settings, n_topics) * n_topics)),
    )


def _largest_ratio(settings: ThemeSettings, n_topics: int) -> float:
    scaled = _LARGEST_PER_ROOT / n_topics**0.5
    return settings.max_theme_ratio or min(1.0, scaled)
