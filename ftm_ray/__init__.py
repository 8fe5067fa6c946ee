"""ftm-ray: cross-firm investment themes in a quarter of earnings calls, on Ray."""

from typing import TYPE_CHECKING, Any

from ftm_ray.version import __version__

if TYPE_CHECKING:
    from ftm_ray.results.query import Results, open_results

__all__ = ["Results", "__version__", "open_results"]


def __getattr__(name: str) -> Any:
    """Load DuckDB when a notebook asks for results, and not in every actor."""
    if name in ("Results", "open_results"):
        from ftm_ray.results import query

        return getattr(query, name)
    raise AttributeError(f"module 'ftm_ray' has no attribute '{name}'")
