"""The Grafana dashboard of the project: which metrics it asks for, and its expressions as Prometheus takes them."""

import json
import re
from pathlib import Path
from typing import Any

DASHBOARD = Path(__file__).parents[1] / "cluster/grafana/ftm.json"

#: What nodes without a card do not export; Ray's agent has the name in its own list of gauges.
ONLY_WITH_CARDS = {"ray_node_gpus_utilization"}


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def expressions() -> dict[str, list[str]]:
    """The expressions of each panel, by its title."""
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    return {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels}


def metric_names() -> set[str]:
    """All metrics that the dashboard asks for, as they stand in a scrape."""
    found = [expr for exprs in expressions().values() for expr in exprs]
    found += [variable["definition"] for variable in dashboard()["templating"]["list"] if "definition" in variable]
    return {name for expr in found for name in re.findall(r"\bray_\w+", expr)}


def for_prometheus(expr: str, quarter: str, interval: str) -> str:
    """An expression with Grafana's variables filled in."""
    return expr.replace("$quarter", quarter).replace("$__rate_interval", interval)
