"""Errors that crossed Ray end a command as ours do."""

import pickle

from command import ftm, one_error_line
from invented import QUARTER

from ftm_ray.errors import SourceError


def test_an_error_that_crossed_ray_comes_out_as_itself(monkeypatch, tmp_path):
    from ray.exceptions import RayTaskError

    def failed(*_):
        cause = SourceError("the disk is full")
        cause.args = (f"{cause}\nFailed to apply UDF transform after 1/1 attempts.",)  # as Ray Data does
        cause = pickle.loads(pickle.dumps(cause))
        raise RayTaskError("publish", "Traceback (most recent call last): ...", cause).as_instanceof_cause()

    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", failed)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 4
    assert one_error_line(result) == "error: the disk is full"


def test_a_lost_worker_can_be_tried_again(monkeypatch, tmp_path):
    from ray.exceptions import RayActorError

    def lost(*_):
        raise RayActorError

    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", lost)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 4
    assert "the same command goes on" in one_error_line(result)
