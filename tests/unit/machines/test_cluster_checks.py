"""`ftm cluster check`: each kind of broken file is told in one sentence, none by a traceback."""

import copy

import pytest
import yaml

from ftm_ray.errors import ConfigError
from ftm_ray.machines.cluster_checks import find_problems, read_cluster_file
from ftm_ray.machines.cluster_file import ClusterWish, render_cluster

WISH = ClusterWish(bucket="my-bucket", image="111122223333.dkr.ecr.us-east-2.amazonaws.com/ftm-ray:0.1.0-g1a2b3c4")
GOOD = yaml.safe_load(render_cluster(WISH))


def broken(path, value=None):
    """The good file with one value changed, or taken out where value is None."""
    config = copy.deepcopy(GOOD)
    *way, last = path
    place = config
    for key in way:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return config


GPU = ("available_node_types", "gpu_spot")
NODE = (*GPU, "node_config")
HEAD = ("available_node_types", "head")
DISK = (*NODE, "BlockDeviceMappings", 0, "Ebs")
OPEN = {"GroupName": "x", "IpPermissions": [{"FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
NONSENSE = {"GroupName": "x", "IpPermissions": [{"FromPort": 22, "IpRanges": [{"CidrIp": "everywhere"}]}]}
SPOT = {"MarketType": "spot", "SpotOptions": {"SpotInstanceTyp": "one-time"}}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (broken((*NODE, "InstanceMarketOptions")), "gpu_spot: not asked for as Spot"),
        (broken((*NODE, "InstanceMarketOptions"), SPOT), 'InstanceMarketOptions.SpotOptions: "SpotInstanceTyp"'),
        (broken(("provider", "security_group"), OPEN), "port 22 is open to 0.0.0.0/0"),
        (broken(("provider", "module"), "ray.x.Y"), "never goes on to the next Spot type"),
        (broken((*NODE, "IamInstanceProfile")), "gpu_spot: no IamInstanceProfile"),
        (broken((*HEAD, "node_config", "IamInstanceProfile")), "head: no IamInstanceProfile"),
        (broken((*NODE, "MetadataOptions", "HttpTokens"), "optional"), "IMDSv2"),
        (broken((*DISK, "VolumeSize"), 30), "30 GB"),
        (broken((*DISK, "Throughput"), 2000), "2000 MB/s"),
        (broken((*DISK, "VolumeType"), "gp2"), "gp3"),
        (broken((*DISK, "DeleteOnTermination"), False), "DeleteOnTermination"),
        (broken((*HEAD, "resources", "CPU"), 4), "head: resources must be CPU 0"),
        (broken((*HEAD, "node_config", "InstanceMarketOptions"), {"MarketType": "spot"}), "head: it is asked for"),
        (broken((*HEAD, "node_config", "InstanceType"), "g5.12xlarge"), "large for a node that runs no work"),
        (broken((*GPU, "min_workers"), 1), "min_workers is 1"),
        (broken((*NODE, "SpotChoices"), ["g6.xlarge"]), "one Spot choice only"),
        (broken((*GPU, "resources", "GPU"), 2), "promises Ray 2 card(s), but g6.xlarge has 1"),
        (broken(("docker", "image"), "me/ftm:latest"), "no tag of its own"),
        (broken(("provider", "availability_zone"), "us-east-1a"), "not in region us-east-2"),
        (broken(("provider", "cache_stopped_nodes"), True), "cache_stopped_nodes"),
        (broken(("file_mounts",), {}), "token does not reach"),
        (broken(("head_start_ray_commands",), ["ray start --head --autoscaling-config=x"]), "no RAY_AUTH_MODE=token"),
        (broken(("head_start_ray_commands",), ["ray start --head --autoscaling-config=x"]), "paid for an hour"),
        (broken(("head_start_ray_commands",), ["ray start --dashboard-host=0.0.0.0"]), "dashboard listens on 0.0.0.0"),
        (broken(("worker_start_ray_commands",), ["RAY_AUTH_MODE=token ray start"]), "nobody hears EC2's notice"),
        (broken(("idle_timeout_minutes",), 120), "idle cards"),
        (broken(("setup_commands",), ["pip install -U ray"]), "setup_commands must be []"),
        (broken(("auth", "ssh_usr"), "ubuntu"), "Ray's own check"),
        (broken((*NODE,)), "Ray"),
        (broken((*NODE, "InstanceMarketOptions"), "spot"), "gpu_spot: Invalid type for parameter Inst"),
        (broken((*DISK, "VolumeSize"), "200"), "gpu_spot: Invalid type for parameter BlockDeviceMappings[0].Ebs"),
        (broken((*NODE, "SpotChoices"), "g6.xlarge"), "SpotChoices must be a list"),
        (broken(("provider", "security_group"), NONSENSE), "no range of addresses"),
    ],
)  # fmt: skip
def test_each_fault_is_one_sentence_with_its_place(config, words):
    found = find_problems(config)
    hits = [problem for problem in found if words in problem]
    assert len(hits) == 1, found
    assert "\n" not in hits[0]
    assert len(hits[0]) < 260


def test_a_misspelt_market_is_told_twice_once_for_each_thing_that_it_breaks():
    config = copy.deepcopy(GOOD)
    node = config["available_node_types"]["gpu_spot"]["node_config"]
    node["InstanceMarketOption"] = node.pop("InstanceMarketOptions")  # Ray's own check takes it, EC2 bills on demand
    found = find_problems(config)
    assert [problem.split(":")[0] for problem in found] == ["gpu_spot", "gpu_spot"]
    assert 'Unknown parameter in input: "InstanceMarketOption"' in found[0]
    assert "not asked for as Spot" in found[1]


@pytest.mark.parametrize(
    ("text", "words"), [("a: [", "no YAML"), ("a: 1", "no file for `ray up`"), (None, "cannot read")]
)
def test_what_is_no_cluster_file_is_refused(tmp_path, text, words):
    path = tmp_path / "cluster.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_cluster_file(path)
