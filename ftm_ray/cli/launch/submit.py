"""`ftm submit` between the command and the cluster: everything that can be wrong is said before the job costs money."""

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from ftm_ray.cli.launch.run import run_config
from ftm_ray.cli.options import Options
from ftm_ray.cli.terminal import echo
from ftm_ray.cli.termination import exit_of_interruption
from ftm_ray.config import RunConfig, llm_api_key
from ftm_ray.environment import ray_dashboard, use_dashboard
from ftm_ray.errors import ConfigError
from ftm_ray.lake.storage import Lake
from ftm_ray.machines.cluster_probe import versions_of_cluster
from ftm_ray.machines.code_label import check_same, versions_here
from ftm_ray.machines.job_folder import PRICES, SETTINGS, job_folder
from ftm_ray.machines.jobs import Cluster, Job
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.endpoint_check import check_endpoint
from ftm_ray.sources.manifest import read_manifest

_ADDRESS = "http://127.0.0.1:8265"


def cluster_address(address: str | None) -> str:
    """Where jobs go: --address, else RAY_API_SERVER_ADDRESS, else a head on this machine or at the end of a tunnel."""
    chosen = address or ray_dashboard() or _ADDRESS
    if "://" not in chosen:
        raise ConfigError(f"--address {chosen}: expected the URL of the head's dashboard, such as {_ADDRESS}")
    use_dashboard(chosen)
    return chosen.rstrip("/")


def root_of_job(root: str) -> str:
    """ROOT as the cluster is told: a job starts in a folder of its own, where a relative path means nothing."""
    return root.rstrip("/") if "://" in root else str(Path(root).expanduser().resolve())


def submit_quarters(
    quarters: Sequence[str], root: str, address: str, options: Options, flags: Sequence[str]
) -> tuple[Cluster, str]:
    """Check, and send the job; returns the cluster and the job's id.

    Args:
        quarters: One, or several that one job does in order.
        root: As `root_of_job` gives it.
        address: As `cluster_address` gives it.
        options: Those of `ftm run`, as click has read them; checked here as the run would.
        flags: The same as words, less --config and --prices, whose files travel.

    Raises:
        ConfigError, SourceError: A quarter was not brought in; a flag, the token, or the endpoint is wrong; the
            cluster runs other code; or a job of these quarters is not at its end.
    """
    config = run_config(options)
    lake = Lake(root)
    for quarter in quarters:
        read_manifest(lake, quarter)
    cluster = Cluster(address)
    if living := cluster.living_job(quarters, root):
        raise ConfigError(
            f"job {living} works on that already; `--follow` in the same command shows it, and "
            f"`ray job stop --address {address} {living}` stops it"
        )
    check_same(versions_of_cluster(address), versions_here())
    _check_endpoint(config)
    settings, prices = options["config"], config.cost.prices
    travel = [*(["--config", SETTINGS] if settings else []), *(["--prices", PRICES] if prices else [])]
    with job_folder(settings, prices) as folder:
        return cluster, cluster.submit(job_of(quarters, root, flags, travel), folder)


def job_of(quarters: Sequence[str], root: str, flags: Sequence[str], settings: Sequence[str]) -> Job:
    """The job as the cluster is asked for it; files that `settings` names lie in the folder that travels."""
    script = "jobs/run_quarter.py" if len(quarters) == 1 else "jobs/run_quarters.py"
    words = ["python", script, ",".join(quarters), "--root", root, *flags, *settings]
    return Job(tuple(quarters), root, shlex.join(words))


def found_job(quarters: Sequence[str], root: str, address: str) -> tuple[Cluster, str]:
    """The cluster and its newest job on these quarters, running or ended.

    Raises:
        ConfigError: It knows none.
    """
    cluster = Cluster(address)
    job = cluster.newest_job(quarters, root)
    if job is None:
        raise ConfigError(f"{address} knows no job for {','.join(quarters)} in {root}; leave --follow out to send one")
    return cluster, job


def _check_endpoint(config: RunConfig) -> None:
    """Ask the LLM at a URL one small question; the job asks it again from the head, which may reach what we do not."""
    if config.llm.endpoint in (None, "none", "serve"):
        return
    trouble = asyncio.run(check_endpoint(config.llm, llm_api_key(config.llm), LlmAccount()))
    if trouble:
        echo(f"warning: from this machine, {trouble}; the job will ask from the cluster", err=True)


def follow_to_the_end(cluster: Cluster, job: str, address: str) -> int:
    """Show a job's log on standard output; returns its exit code, or that of Ctrl-C, which leaves it alone."""
    try:
        code = cluster.follow(job, lambda text: echo(click.unstyle(text), nl=False))
    except KeyboardInterrupt:
        echo(f"\ndetached; job {job} goes on. {how_to_go_on(job, address)}", err=True)
        return exit_of_interruption()
    echo(f"job {job} ended with exit code {code}", err=True)
    return code


def how_to_go_on(job: str, address: str) -> str:
    """What a person can do with a job that nobody follows."""
    return (
        f"`--follow` in the same command shows its log again; `ray job stop --address {address} {job}` stops it, and "
        "its model and nodes go"
    )
