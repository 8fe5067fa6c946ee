"""What the driver tells of the map, without Ray: the parts of six firms are there; no stream is drained."""

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.run import pipeline
from ftm_ray.run.pipeline import _map
from ftm_ray.run.record import RunLog


def test_missing_names_begin_with_all_that_is_known_so_that_their_speed_is_their_own(six_firms_run, monkeypatch):
    monkeypatch.setattr(pipeline, "naming_dataset", lambda *_: None)
    monkeypatch.setattr(pipeline, "_drain", lambda *_: None)
    asking = RunConfig(llm=LlmSettings(endpoint="http://127.0.0.1:9/v1"))
    told = []
    report = _map(six_firms_run, asking, None, RunLog(), told.append)
    assert [progress.stage for progress in told if progress.so_far] == ["firm topics", "missing names"]
    begin = told[-1]
    assert begin.done == 0 and begin.total > 0
    assert begin.so_far.counts == report.total()
    assert begin.so_far.n_batches_left == int(begin.detail.split()[0]) > 0
