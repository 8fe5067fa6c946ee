"""`ftm cluster render`: the file for `ray up`, byte by byte, and what is refused before there is one.

After a change of the templates: `ftm cluster render` with the values of WISH and BOTH writes the golden files anew.
"""

import copy
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from ftm_ray.errors import ConfigError
from ftm_ray.machines.cluster_checks import find_problems
from ftm_ray.machines.cluster_file import ClusterWish, render_cluster, render_settings

GOLDEN = Path(__file__).parents[2] / "golden"
WISH = ClusterWish(bucket="my-bucket", image="111122223333.dkr.ecr.us-east-2.amazonaws.com/ftm-ray:0.1.0-g1a2b3c4")
BOTH = replace(WISH, cpu_types=("c7i.4xlarge", "c6i.4xlarge"), max_nodes=3, zones="ab", on_demand_last=True)


@pytest.mark.parametrize(("wish", "name"), [(WISH, "cluster.yaml"), (BOTH, "cluster_both.yaml")])
def test_the_file_is_the_same_byte_by_byte_and_ray_takes_it(wish, name):
    text = render_cluster(wish)
    assert text == (GOLDEN / name).read_text(encoding="utf-8")
    config = prepare_config(yaml.safe_load(text))
    validate_config(config)
    kinds = config["available_node_types"]
    assert config["head_node_type"] == "head"
    assert kinds["head"]["max_workers"] == 0
    assert kinds["gpu_spot"]["resources"] == {"CPU": 4, "GPU": 1, "memory": 10307921510}
    shell = ("$RAY_HEAD_IP", "$(python -m ftm_ray.machines.node_labels)")
    assert "$" not in text.replace(shell[0], "").replace(shell[1], "")  # nothing of the template is left


def test_our_own_checks_find_nothing_in_what_we_render():
    for wish in (WISH, BOTH, replace(WISH, gpu_types=(), cpu_types=("c7i.2xlarge", "c6i.2xlarge"))):
        config = yaml.safe_load(render_cluster(wish))
        before = copy.deepcopy(config)
        assert find_problems(config) == []
        assert config == before


def test_the_settings_say_the_same_to_the_map():
    settings = tomllib.loads(render_settings(BOTH))
    assert settings["cluster"]["node_types"] == [
        {"name": "gpu_spot", "gpus": 1, "cpus": 4, "accelerator": "L4", "max_nodes": 3},
        {"name": "cpu_spot", "gpus": 0, "cpus": 16, "max_nodes": 3},
    ]
    nodes = yaml.safe_load(render_cluster(BOTH))["available_node_types"]
    for kind in settings["cluster"]["node_types"]:
        assert nodes[kind["name"]]["max_workers"] == kind["max_nodes"]
        assert nodes[kind["name"]]["resources"]["CPU"] == kind["cpus"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gpu_types": ("g6.xlarge", "g6.12xlarge")}, "g6.xlarge has 1 card"),
        ({"gpu_types": ("g6.xlage",)}, "'g6.xlage' is not known"),
        ({"gpu_types": ("m6i.large",)}, "without a card: give it to --cpu-nodes"),
        ({"cpu_types": ("g6.xlarge",)}, "with cards: give it to --gpu"),
        ({"gpu_types": ()}, "without workers"),
        ({"image": "1.dkr.ecr.us-east-2.amazonaws.com/ftm-ray:latest"}, "latest"),
        ({"image": "ftm-ray"}, "REGISTRY/NAME:TAG"),
        ({"bucket": "s3://my-bucket/ftm"}, "the name alone"),
        ({"region": "Ohio"}, "us-east-2"),
        ({"ami": "newest"}, "--ami"),
        ({"bucket": "my-bucket\nprovider: x"}, "--bucket"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_one_sentence(change, words):
    with pytest.raises(ConfigError) as error:
        render_cluster(replace(WISH, **change))
    assert words in str(error.value)
