"""cluster/kuberay.yaml against what KubeRay's RayJob takes.

The definition of RayJob (ray.io_rayjobs.yaml) is half a megabyte, most of it Kubernetes' own pods. The schema here
was written from the Go types that it is generated from (ray-operator/apis/ray/v1/{rayjob,raycluster}_types.go, read
at commits f6ef3f7 and 3275ee0; `authOptions` came later, with 1.5.1, and is as the generated reference of 1.6.2 has
it): every field of ours by name and type, unknown ones refused, pods only where we use them.
"""

import tomllib
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from ftm_ray.config import RunConfig
from ftm_ray.machines.cluster_file import ClusterWish
from ftm_ray.machines.instance_types import KNOWN_TYPES
from ftm_ray.serving.engine import PRESETS, choose_preset

FILE = Path(__file__).parents[3] / "cluster" / "kuberay.yaml"


def fields(required=(), **properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT, YES_NO, WHOLE, ANY = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}, {"type": "object"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
NUMBER_OF_NODES = {"type": "integer", "minimum": 0}
CONTAINER = fields(
    ["name", "image"],
    name=TEXT, image=TEXT, env={"type": "array"}, resources=fields(requests=TEXTS, limits=TEXTS),
    volumeMounts={"type": "array"}, ports={"type": "array"}, command={"type": "array"}, args={"type": "array"},
    lifecycle=ANY, securityContext=ANY, imagePullPolicy=TEXT,
)  # fmt: skip
POD = fields(
    ["spec"],
    metadata=ANY,
    spec=fields(
        ["containers"],
        containers={"type": "array", "items": CONTAINER, "minItems": 1}, serviceAccountName=TEXT, nodeSelector=TEXTS,
        tolerations={"type": "array"}, volumes={"type": "array"}, terminationGracePeriodSeconds=WHOLE,
    ),
)  # fmt: skip
HEAD = fields(
    ["template", "rayStartParams"],
    template=POD, rayStartParams=TEXTS, headService=ANY, enableIngress=YES_NO, serviceType=TEXT,
    labels=TEXTS,
)  # fmt: skip
WORKERS = fields(
    ["groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"],
    groupName=TEXT, replicas=NUMBER_OF_NODES, minReplicas=NUMBER_OF_NODES, maxReplicas=NUMBER_OF_NODES, suspend=YES_NO,
    idleTimeoutSeconds=WHOLE, rayStartParams=TEXTS, template=POD, scaleStrategy=ANY, numOfHosts=WHOLE,
    labels=TEXTS,
)  # fmt: skip
AUTOSCALER = fields(
    version={"enum": ["v1", "v2"]},
    resources=ANY, image=TEXT, imagePullPolicy=TEXT, securityContext=ANY, idleTimeoutSeconds=WHOLE,
    upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]}, env={"type": "array"},
    envFrom={"type": "array"}, volumeMounts={"type": "array"},
)  # fmt: skip
CLUSTER = fields(
    ["headGroupSpec"],
    authOptions=fields(["mode"], mode={"enum": ["disabled", "token"]}, secretName=TEXT),
    suspend=YES_NO, managedBy=TEXT, autoscalerOptions=AUTOSCALER, headServiceAnnotations=TEXTS,
    enableInTreeAutoscaling=YES_NO, gcsFaultToleranceOptions=ANY, headGroupSpec=HEAD, rayVersion=TEXT,
    workerGroupSpecs={"type": "array", "items": WORKERS},
)  # fmt: skip
JOB = fields(
    activeDeadlineSeconds={"type": "integer", "minimum": 1}, backoffLimit=WHOLE, rayClusterSpec=CLUSTER,
    submitterPodTemplate=POD, metadata=TEXTS, clusterSelector=TEXTS, submitterConfig=ANY, managedBy=TEXT,
    deletionStrategy=ANY, entrypoint=TEXT, runtimeEnvYAML=TEXT, jobId=TEXT,
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode"]}, entrypointResources=TEXT,
    entrypointNumCpus={"type": "number"}, entrypointNumGpus={"type": "number"}, ttlSecondsAfterFinished=WHOLE,
    shutdownAfterJobFinishes=YES_NO, suspend=YES_NO,
)  # fmt: skip
RAY_JOB = fields(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "ray.io/v1"}, kind={"const": "RayJob"}, metadata=ANY, spec=JOB,
)  # fmt: skip


@pytest.fixture
def documents():
    return {one["kind"]: one for one in yaml.safe_load_all(FILE.read_text(encoding="utf-8"))}


def test_the_job_has_only_fields_that_kuberay_knows_of_the_types_it_takes(documents):
    assert [error.message for error in Draft202012Validator(RAY_JOB).iter_errors(documents["RayJob"])] == []


@pytest.mark.parametrize(
    "wrong", [{"shutdownAfterJobFinish": True}, {"backoffLimit": "0"}, {"activeDeadlineSeconds": 0}]
)
def test_the_schema_refuses_what_kuberay_would(documents, wrong):
    documents["RayJob"]["spec"] |= wrong
    assert list(Draft202012Validator(RAY_JOB).iter_errors(documents["RayJob"]))


def test_nobody_gets_in_without_a_token(documents):
    """Its dashboard listens to the whole network of the pods. Tokens need a Ray that KubeRay is told of."""
    cluster = documents["RayJob"]["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert tuple(map(int, cluster["rayVersion"].split("."))) >= (2, 52, 0)


def test_it_grows_from_nothing_and_goes_back_to_nothing(documents):
    spec = documents["RayJob"]["spec"]
    assert spec["shutdownAfterJobFinishes"] is True
    assert "entrypointNumCpus" not in spec  # else the driver lands on Spot
    cluster = spec["rayClusterSpec"]
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert [group["minReplicas"] for group in cluster["workerGroupSpecs"]] == [0]


def test_karpenter_may_choose_among_types_that_keep_what_ray_is_promised(documents):
    requirements = documents["NodePool"]["spec"]["template"]["spec"]["requirements"]
    by_key = {one["key"]: one["values"] for one in requirements}
    assert by_key["karpenter.sh/capacity-type"] == ["spot"]
    kinds = by_key["node.kubernetes.io/instance-type"]
    assert set(ClusterWish(bucket="b", image="i").gpu_types) <= set(kinds)
    assert {KNOWN_TYPES[name].gpus for name in kinds} == {1}


def test_what_kuberay_itself_refuses_is_not_there(documents):
    """validation.go: labels in rayStartParams, and an idle time for a group without the autoscaler's version 2."""
    cluster = documents["RayJob"]["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert "labels" not in group["rayStartParams"]
    assert cluster["autoscalerOptions"]["version"] == "v2"


def test_its_settings_choose_a_preset(documents):
    settings = tomllib.loads(documents["ConfigMap"]["data"]["cluster.toml"])
    nodes = RunConfig.model_validate(settings).cluster.node_types
    assert choose_preset("auto", nodes) is PRESETS["24gb"]
