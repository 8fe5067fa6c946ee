"""The mean CAR path with its band, as one HTML page that needs no network (plotly, which BERTopic brings)."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ftm_ray.errors import SourceError


def write_path_plot(path: Path, paths: pa.Table, group: str) -> None:
    """Draw the mean CAR of a group from the first day of the window on.

    Args:
        path: HTML file to write.
        paths: The study's table `event_paths`.
        group: `all`, or a theme.

    Raises:
        SourceError: The group has no used event, or the file cannot be written.
    """
    from plotly.io import to_html

    rows = [row for row in paths.to_pylist() if row["event_group"] == group]
    if not rows:
        raise SourceError(f"no event of '{group}' is used: there is no path to draw")
    title = f"Mean cumulative abnormal return: {group}, {rows[0]['n_events']:,} events"
    layout = {"title": {"text": title}, "xaxis": {"title": {"text": "trading day from day 0"}}}
    layout["yaxis"] = {"title": {"text": "percent"}}
    # A plain dict: plotly's own classes load hundreds of modules to check it.
    page = to_html({"data": _curves(rows), "layout": layout}, include_plotlyjs=True, div_id="car", validate=False)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror or error}") from error


def _curves(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean CAR in percent, and its band filled between two lines without width."""
    band = [row for row in rows if row["car_low"] is not None]
    common = {"type": "scatter", "x": [row["day"] for row in band], "mode": "lines", "line": {"width": 0}}
    low = common | {"y": [100 * row["car_low"] for row in band], "showlegend": False}
    high = common | {"y": [100 * row["car_high"] for row in band], "fill": "tonexty"}
    high |= {"fillcolor": "rgba(31,119,180,0.2)", "name": "95 % band, clustered by firm and day"}
    mean = {"type": "scatter", "x": [row["day"] for row in rows], "y": [100 * row["mean_car"] for row in rows]}
    return [low, high, mean | {"mode": "lines+markers", "name": "mean CAR", "line": {"color": "rgb(31,119,180)"}}]
