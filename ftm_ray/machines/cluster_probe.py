"""Whether a running cluster can be reached with this token, and runs the same code: by a job that does nothing else."""

import time

from ftm_ray.errors import ConfigError
from ftm_ray.machines.code_label import Versions, check_same, versions_from, versions_here
from ftm_ray.machines.findings import Finding
from ftm_ray.machines.jobs import cluster_errors

_PROBE = "python -m ftm_ray.machines.code_label"
_LONGEST_S = 60.0


def examine_cluster(dashboard: str | None) -> list[Finding]:
    """Submit the probe and compare.

    Args:
        dashboard: What RAY_API_SERVER_ADDRESS holds; None = no cluster is up, nothing is looked at.
    """
    if dashboard is None:
        seen = "RAY_API_SERVER_ADDRESS is not set: no running cluster was looked at"
        return [Finding("cluster", "skip", seen, "`ray dashboard cluster.yaml` brings it to http://127.0.0.1:8265")]
    try:
        theirs = versions_of_cluster(dashboard)
    except ConfigError as error:
        return [Finding("cluster", "fail", str(error))]
    try:
        check_same(theirs, versions_here())
    except ConfigError as error:
        return [Finding("cluster", "ok", f"{dashboard} takes jobs"), Finding("versions", "fail", str(error))]
    return [Finding("cluster", "ok", f"{dashboard} takes jobs"), Finding("versions", "ok", f"the same here: {theirs}")]


def versions_of_cluster(dashboard: str) -> Versions:
    """What the head runs.

    Raises:
        ConfigError: Nobody answers, the token is wrong or missing, or the head has no such code.
    """
    from ray.job_submission import JobStatus, JobSubmissionClient

    with cluster_errors(dashboard):
        client = JobSubmissionClient(dashboard)
        job = client.submit_job(entrypoint=_PROBE)
        end = time.monotonic() + _LONGEST_S
        while not (status := client.get_job_status(job)).is_terminal():
            if time.monotonic() > end:
                raise ConfigError(f"{dashboard} took a job but did not run it for {_LONGEST_S:g} s; see its dashboard")
            time.sleep(0.3)
        log = client.get_job_logs(job).strip()
    if status != JobStatus.SUCCEEDED:
        raise ConfigError(f"the head cannot say its versions, so its image is an old one: {log[-200:]}")
    if not log:
        raise ConfigError(f"{dashboard} ran a job and kept nothing of what it printed; its versions are not known")
    return versions_from(log.splitlines()[-1])
