"""What a node tells of itself, against a stand-in of EC2's metadata service."""

import pytest
from metadata_service import MetadataService

from ftm_ray.machines.node_labels import main, market_of, own_labels


@pytest.fixture
def service(monkeypatch):
    made = MetadataService()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", made.url)
    yield made
    made.stop()


def test_type_and_market_are_printed_as_ray_start_takes_them(service, capsys):
    service.told.update({"instance-type": "g5.xlarge", "instance-life-cycle": "on-demand"})
    assert main() == 0
    assert capsys.readouterr().out == "ftm-instance-type=g5.xlarge,ftm-market=on-demand"


def test_what_the_service_does_not_say_is_left_out(service):
    service.told.update({"instance-type": "g5.xlarge"})
    assert own_labels() == {"ftm-instance-type": "g5.xlarge"}


def test_elsewhere_nothing_is_printed(service, capsys):
    service.stop()
    assert main() == 0
    assert capsys.readouterr().out == ""


def test_the_node_itself_is_believed_before_the_cluster_file():
    assert market_of({"ray.io/market-type": "spot"}) == "spot"
    assert market_of({"ray.io/market-type": "spot", "ftm-market": "on-demand"}) == "on-demand"
    assert market_of({}) is None
    assert market_of({"ftm-market": "capacity-block"}) is None
