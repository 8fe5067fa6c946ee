"""The mean CAR path with its band, as one HTML page that needs no network (plotly, which BERTopic brings)."""

from pathlib import Path

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
    from plotly import graph_objects

    rows = [row for row in paths.to_pylist() if row["group"] == group]
    if not rows:
        raise SourceError(f"no event of '{group}' is used: there is no path to draw")
    days = [row["day"] for row in rows]
    figure = graph_objects.Figure()
    band = [row for row in rows if row["car_low"] is not None]
    for column, fill in (("car_low", None), ("car_high", "tonexty")):
        values = [100 * row[column] for row in band]
        line = {"width": 0}
        name = "95 % band, clustered by firm and day"
        figure.add_scatter(
            x=[row["day"] for row in band], y=values, line=line, fill=fill, name=name, showlegend=fill is not None,
            mode="lines", fillcolor="rgba(31,119,180,0.2)",
        )  # fmt: skip
    figure.add_scatter(x=days, y=[100 * row["mean_car"] for row in rows], mode="lines+markers", name="mean CAR")
    title = f"Mean cumulative abnormal return: {group}, {rows[0]['n_events']:,} events"
    figure.update_layout(
        title=title, xaxis_title="trading day from day 0", yaxis_title="percent", template="simple_white"
    )
    try:
        figure.write_html(path, include_plotlyjs=True, div_id="car")
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror or error}") from error
