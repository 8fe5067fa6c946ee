"""Which of the things in a pool may be found: those of some firms, and those of themes of some kinds."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import ConfigError
from ftm_ray.results.published import topic_keys
from ftm_ray.results.search.pools import Members, Pool
from ftm_ray.results.search.request import Among, SearchRequest
from ftm_ray.schemas.arrays import numbers, strings

Mask = npt.NDArray[np.bool_]


def check_filters(request: SearchRequest, members: Mapping[str, Members]) -> None:
    """Refuse a firm that is in none of the quarters, and kinds where themes have none.

    Args:
        request: With its filters.
        members: Of each quarter.

    Raises:
        ConfigError: A filter can let nothing through.
    """
    quarters = ", ".join(members)
    for firm_id in request.firms:
        if not any(firm_id in of_quarter.firm_names for of_quarter in members.values()):
            some = sorted({firm for of_quarter in members.values() for firm in of_quarter.firm_names})[:5]
            raise ConfigError(f"there is no firm '{firm_id}' in {quarters}; firm ids are such as {', '.join(some)}")
    kinds = {kind for of_quarter in members.values() for kind in of_quarter.kinds.values()}
    if request.kinds and not kinds - {None}:
        raise ConfigError(f"the themes of {quarters} have no kind, so none can be chosen (docs/themes.md)")


def wanted_rows(pool: Pool, request: SearchRequest, members: Members) -> Mask:
    """Which rows of a pool pass all filters, (n,)."""
    wanted = np.ones(pool.rows.num_rows, dtype=bool)
    if request.firms:
        wanted &= _of_firms(pool, request, members)
    if request.kinds:
        wanted &= _of_kinds(pool, request, members)
    return wanted


def _of_firms(pool: Pool, request: SearchRequest, members: Members) -> Mask:
    firms = strings(request.firms)
    if request.among is not Among.THEMES:
        return _mask(pc.is_in(pool.rows["firm_id"], firms))
    said = members.theme_topics
    themes = said.filter(pc.is_in(said["firm_id"], firms))["theme_id"].unique()
    return _mask(pc.is_in(pool.rows["theme_id"], themes))


def _of_kinds(pool: Pool, request: SearchRequest, members: Members) -> Mask:
    themes = strings(theme for theme, kind in members.kinds.items() if kind in request.kinds)
    if request.among is Among.THEMES:
        return _mask(pc.is_in(pool.rows["theme_id"], themes))
    inside = members.theme_topics.filter(pc.is_in(members.theme_topics["theme_id"], themes))
    keys = set(topic_keys(inside))
    return np.fromiter((key in keys for key in topic_keys(pool.rows)), dtype=bool, count=pool.rows.num_rows)


def _mask(found: pa.ChunkedArray) -> Mask:
    return numbers(found)
