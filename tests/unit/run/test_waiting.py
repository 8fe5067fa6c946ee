"""What a run waits for, in words: from a status as the autoscaler gives it. No Ray starts."""

import pytest
from ray.autoscaler.v2.schema import (
    ClusterStatus,
    LaunchRequest,
    NodeInfo,
    RayTaskActorDemand,
    ResourceDemandSummary,
    ResourceRequestByCount,
)

from ftm_ray.lake.waits import noted_wait
from ftm_ray.run.progress import Progress
from ftm_ray.run.waiting import ClusterWatch, refusals, seconds_of_starting, waits_for

NOW = 1_790_000_000.0
HEAD = NodeInfo("", "head", "i-0", "10.0.0.1")
WORKER = NodeInfo("g6.xlarge", "gpu_spot", "i-1", "10.0.0.2")


def launch(status, seconds_ago=0, details=None):
    failed = int(NOW - seconds_ago) if status is LaunchRequest.Status.FAILED else None
    return LaunchRequest("g6.xlarge", "gpu_spot", 3, status, int(NOW) - 60, failed, details)


def status(n_asked, **parts):
    demand = RayTaskActorDemand([ResourceRequestByCount({"CPU": 0.7, "GPU": 0.25}, n_asked)])
    return ClusterStatus(resource_demands=ResourceDemandSummary(ray_task_actor_demand=[demand]), **parts)


REFUSED = launch(LaunchRequest.Status.FAILED, 30)
LOG = """\
2026-11-25 22:37:10,849 INFO node_provider.py:485 -- Launching 1 nodes of type gpu_spot.
2026-11-25 22:37:10,849 INFO node_provider.py:491 -- Failed to launch 1 nodes of type gpu_spot: another reason
2026-11-25 22:38:11,846 INFO node_provider.py:491 -- Failed to launch 4 nodes of type cpu_spot: Node Launch Exception \
(MaxSpotInstanceCountExceeded): quota
2026-11-25 22:38:11,849 INFO node_provider.py:491 -- Failed to launch 1 nodes of type gpu_spot: Node Launch Exception \
(InsufficientInstanceCapacity): no  Spot capacity in any zone
2026-11-25 22:38:12,000 INFO instance_manager.py:263 -- Update instance REQUESTED->ALLOCATION_FAILED
"""
STARTING = launch(LaunchRequest.Status.PENDING)


def test_the_clouds_own_reason_is_told():
    reasons = refusals(LOG)
    words = waits_for(status(12, failed_launches=[REFUSED], active_nodes=[HEAD]), NOW, reasons)
    assert words == (
        "for nodes (12 actors without a place): gpu_spot is refused: "
        "Node Launch Exception (InsufficientInstanceCapacity): no Spot capacity in any zone"
    )
    assert reasons["cpu_spot"] == "Node Launch Exception (MaxSpotInstanceCountExceeded): quota"


def test_a_refusal_without_a_known_reason_says_where_it_may_stand():
    assert "monitor.log" in waits_for(status(1, failed_launches=[REFUSED], active_nodes=[HEAD]), NOW, {})


def test_nodes_that_are_starting_are_told_and_an_old_refusal_is_not():
    old = launch(LaunchRequest.Status.FAILED, 600, "InsufficientInstanceCapacity")
    words = waits_for(status(1, failed_launches=[old], pending_launches=[STARTING], active_nodes=[HEAD]), NOW, {})
    assert words == "for nodes (1 actor without a place): starting 3 x gpu_spot"


def test_who_has_all_it_asked_for_waits_for_nothing():
    assert waits_for(status(0, failed_launches=[REFUSED], active_nodes=[HEAD, WORKER]), NOW, {}) is None
    assert waits_for(ClusterStatus(), NOW, {}) is None


def test_work_that_goes_on_with_fewer_nodes_waits_for_none_unless_some_are_on_their_way():
    assert waits_for(status(4, active_nodes=[HEAD, WORKER]), NOW, {}) is None
    assert "starts none" in waits_for(status(4, active_nodes=[HEAD]), NOW, {})


def test_machines_that_are_billed_and_no_nodes_yet_are_counted_until_the_next_look():
    """Launches that the cloud has not granted cost nothing."""
    found = seconds_of_starting(
        status(4, pending_nodes=[WORKER, WORKER], pending_launches=[STARTING], active_nodes=[HEAD])
    )
    assert found == {"gpu_spot": 10.0}


@pytest.fixture
def shown():
    return []


def test_a_wait_stands_in_progress_and_beside_the_lock_with_the_time_it_began(lake, shown):
    looks = iter(["for nodes: starting", "for nodes: gpu_spot is refused", None])
    watch = ClusterWatch(lake, "2024Q1", lambda: next(looks), shown.append)
    watch.show(Progress("firm topics", 10, 100, "2 topics"))
    watch.look_once()
    first = noted_wait(lake, "2024Q1")
    watch.look_once()
    second = noted_wait(lake, "2024Q1")
    assert (first.what, second.what) == ("for nodes: starting", "for nodes: gpu_spot is refused")
    assert first.since == second.since
    assert shown[-1].detail == f"2 topics; waiting since {first.since} for nodes: gpu_spot is refused"
    watch.look_once()
    assert noted_wait(lake, "2024Q1") is None
    watch.show(Progress("firm topics", 20, 100, "3 topics"))
    assert shown[-1].detail == "3 topics"


def test_what_a_killed_run_left_is_forgotten_when_the_next_begins(lake, shown):
    killed = ClusterWatch(lake, "2024Q1", lambda: "for nodes", shown.append)
    killed.look_once()
    watch = ClusterWatch(lake, "2024Q1", lambda: None, shown.append)
    watch.begin()
    watch.end()
    assert noted_wait(lake, "2024Q1") is None
