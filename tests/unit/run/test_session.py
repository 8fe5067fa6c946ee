"""What a person is told where Ray does not start."""

import pytest
import ray

from ftm_ray.errors import ConfigError, RetryableError
from ftm_ray.run.session import ray_session


def start_failing_with(error, monkeypatch):
    def fail(**_):
        raise error

    monkeypatch.setattr(ray, "init", fail)  # a machine that is too busy cannot be had for a test
    with ray_session(lambda: None, {}):
        pass


def test_a_machine_too_busy_for_ray_is_said_to_be(monkeypatch):
    with pytest.raises(RetryableError, match="run the same command again"):
        start_failing_with(Exception("The current node timed out during startup."), monkeypatch)


def test_a_wrong_address_is_the_commands_fault(monkeypatch):
    with pytest.raises(ConfigError, match="RAY_ADDRESS"):
        start_failing_with(ConnectionError("no head"), monkeypatch)


def test_what_nobody_knows_is_not_explained_away(monkeypatch):
    with pytest.raises(KeyError):
        start_failing_with(KeyError("odd"), monkeypatch)
