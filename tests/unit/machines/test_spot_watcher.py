"""The watcher for EC2's notice, against a stand-in of the metadata service. With a cluster: tests/integration."""

from datetime import UTC, datetime, timedelta

import pytest
from metadata_service import MetadataService

from ftm_ray.machines import spot_watcher
from ftm_ray.machines.spot_watcher import NoMetadataError, Notice, SpotWatcher, main, wait_for_notice


@pytest.fixture
def service():
    """A metadata service without a notice."""
    made = MetadataService()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def short_polls(monkeypatch):
    """The same questions, a hundred times faster."""
    monkeypatch.setattr(spot_watcher, "POLL_S", 0.05)


def test_nothing_until_the_notice_and_then_its_time(service):
    watcher = SpotWatcher(service.url)
    assert watcher.ask() is None
    service.announce(seconds=120)
    notice = watcher.ask()
    assert notice.action == "terminate"
    assert 105 <= notice.seconds_left(datetime.now(UTC)) <= 110  # ten seconds are kept for Ray's last steps
    assert service.asked.count("/latest/api/token") == 1  # a token holds six hours


def test_a_token_that_ran_out_is_renewed(service):
    watcher = SpotWatcher(service.url)
    assert watcher.ask() is None
    service.tokens.clear()
    service.announce(seconds=120)
    assert wait_for_notice(watcher).action == "terminate"
    assert service.asked.count("/latest/api/token") == 2


def test_time_left_is_never_below_a_second():
    now = datetime.now(UTC)
    assert Notice("terminate", now + timedelta(seconds=5)).seconds_left(now) == 1


def test_elsewhere_it_ends_without_harm(service, monkeypatch, caplog):
    service.stop()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
    with caplog.at_level("INFO"):
        assert main(["--address", "127.0.0.1:1"]) == 0
    assert "nothing to watch" in caplog.text


def test_one_missed_answer_is_no_end(service, monkeypatch):
    watcher = SpotWatcher(service.url)
    answers = iter([NoMetadataError("busy"), None, Notice("terminate", datetime.now(UTC))])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(watcher, "ask", ask)
    assert wait_for_notice(watcher).action == "terminate"
