"""How many topic actors a run asks for: from the nodes that may come, and never from what is there. No Ray starts."""

import pytest

from ftm_ray.config import ClusterSettings, LlmSettings, NodeType, RunConfig, ServeSettings, TopicSettings
from ftm_ray.errors import ConfigError
from ftm_ray.run.map_size import MapSize
from ftm_ray.schemas.store import Batch

L4 = NodeType(name="gpu_spot", cpus=4, gpus=1, accelerator="L4", max_nodes=8)
CORES = NodeType(name="cpu_spot", cpus=16, max_nodes=4)
MANY = [Batch(number, "chunk_0000.parquet", number, ("A",), 10_000) for number in range(200)]


def config(endpoint="none", **parts):
    return RunConfig(llm=LlmSettings(endpoint=endpoint), **parts)


def size(nodes, endpoint="none", **parts):
    return MapSize.of(config(endpoint, **parts), nodes)


def test_four_actors_share_a_card_on_every_node_that_may_come():
    found = size([L4])
    assert (found.n_places, found.gpus_per_actor, found.device) == (32, 0.25, "cuda")


def test_a_node_holds_no_more_actors_than_its_cores_do():
    assert size([L4.model_copy(update={"cpus": 2})]).n_places == 8 * 2


def test_a_copy_of_the_model_takes_its_share_of_one_card_and_two_cores():
    """24gb: 0.75 of a card leaves one quarter, and 2 of 4 cores, on one node of eight."""
    assert size([L4], "serve").n_places == 7 * 4 + 1
    assert size([L4], "serve", serve=ServeSettings(max_replicas=2)).n_places == 6 * 4 + 2
    assert size([L4], "http://10.0.0.1:8000/v1").n_places == 32  # of another endpoint none


def test_a_model_over_two_cards_takes_them_whole():
    node = NodeType(name="four", cpus=32, gpus=4, accelerator="H100")
    assert size([node], "serve", serve=ServeSettings(tensor_parallel=2)).n_places == 8
    with pytest.raises(ConfigError, match="needs 2 cards of one node and 3 of its cores"):
        size([L4], "serve", serve=ServeSettings(tensor_parallel=2))


def test_shares_that_do_not_fit_are_told_with_their_numbers():
    one = L4.model_copy(update={"max_nodes": 1})
    with pytest.raises(ConfigError) as raised:
        size([one], "serve", serve=ServeSettings(gpus_per_replica=0.9))
    message = str(raised.value)
    for number in (
        "1 x gpu_spot with 4 cores and 1 card",
        "one takes 0.25 of a card",
        "the model 0.9",
        "1.15 of a card",
    ):
        assert number in message
    assert size([one], "serve", serve=ServeSettings(gpus_per_replica=0.9), topics=TopicSettings(backend="cpu"))


def test_shares_that_are_no_round_numbers_add_up():
    one = L4.model_copy(update={"max_nodes": 1, "cpus": 16})
    found = size([one], "serve", cluster=ClusterSettings(actors_per_gpu=10), serve=ServeSettings(gpus_per_replica=0.7))
    assert found.n_places == 3


def test_cards_that_only_count_are_computed_on_the_processor():
    found = size([L4], cluster=ClusterSettings(device="cpu", actors_per_gpu=2))
    assert (found.gpus_per_actor, found.device) == (0.5, "cpu")


def test_without_cards_each_core_gets_one_actor_at_most():
    assert size([CORES]).n_places == 4 * 16
    assert size([NodeType(name="laptop", cpus=2)]).n_places == 2
    assert size([L4, CORES]).n_places == 32  # actors that want a share of a card never start on a node without


def test_the_map_can_be_kept_off_the_cards():
    found = size([L4, CORES], topics=TopicSettings(backend="cpu"))
    assert (found.gpus_per_actor, found.device) == (0.0, "cpu")
    assert found.n_places == 8 * 4 + 4 * 16


def test_a_cluster_without_workers_by_configuration_is_refused():
    with pytest.raises(ConfigError, match=r"no node of this cluster has a core .*cluster\.node_types"):
        size([])


def test_no_more_actors_are_asked_for_than_pay_for_their_start_or_have_work():
    found = size([L4])
    assert found.n_actors(config(), MANY) == 32
    assert found.n_actors(config(), MANY[:3]) == 3
    assert found.n_actors(config(workers=5), MANY) == 5
    small = [Batch(n, "chunk_0000.parquet", n, ("A",), 100) for n in range(12)]
    assert found.n_actors(config(), small) == 1
