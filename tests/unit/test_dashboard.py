"""The Grafana dashboard has the form that Grafana documents, and asks for metrics that somebody sets."""

from grafana import ONLY_WITH_CARDS, dashboard, expressions, metric_names
from ray.dashboard.modules.reporter.reporter_agent import METRICS_GAUGES

from ftm_ray.run.metrics import GAUGES, LATENCY


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_all_panels_read_the_data_source_that_a_person_chooses():
    variable = dashboard()["templating"]["list"][0]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
    for panel in dashboard()["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == chosen
            assert all(target["datasource"] == chosen for target in panel["targets"])
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_every_metric_of_the_run_is_shown_and_no_other():
    asked = {name for name in metric_names() if name.startswith("ray_ftm_")}
    assert asked == {f"ray_{name}" for name in GAUGES} | {f"ray_{LATENCY}_bucket"}


def test_what_only_cards_export_is_a_gauge_of_ray():
    assert {name.removeprefix("ray_") for name in ONLY_WITH_CARDS} <= set(METRICS_GAUGES)


def test_no_panel_is_empty():
    assert all(expr.strip() for exprs in expressions().values() for expr in exprs)
