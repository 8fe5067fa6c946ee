"""What an actor loads when it starts."""

import gc

import pytest

from ftm_ray.errors import ConfigError
from ftm_ray.run.loading import Loaded


@pytest.fixture(autouse=True)
def as_before():
    yield
    gc.unfreeze()
    gc.enable()


def test_it_is_loaded_at_once_and_once():
    times = []
    loaded = Loaded(lambda: times.append(1) or "a model")
    assert times == [1]
    assert loaded.get() == loaded.get() == "a model"
    assert times == [1]


def test_what_cannot_be_loaded_is_said_when_it_is_asked_for():
    def load():
        raise ConfigError("there is no model")

    loaded = Loaded(load)
    for _ in range(2):
        with pytest.raises(ConfigError, match="there is no model"):
            loaded.get()


def test_the_garbage_collector_rests_meanwhile_and_leaves_what_was_loaded_alone():
    at_work = []

    def load():
        at_work.append(gc.isenabled())
        return [[number] for number in range(10_000)]

    before = gc.get_freeze_count()
    kept = Loaded(load).get()
    assert at_work == [False]
    assert gc.isenabled()
    assert gc.get_freeze_count() > before + len(kept)


@pytest.mark.parametrize("error", [ConfigError, ValueError])
def test_the_garbage_collector_works_again_after_a_failure(error):
    def load():
        raise error("not to be had")

    try:
        Loaded(load)
    except ValueError as raised:
        assert str(raised) == "not to be had"
    assert gc.isenabled()
