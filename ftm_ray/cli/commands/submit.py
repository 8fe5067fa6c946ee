"""`ftm submit`: a run as a job on a cluster."""

from typing import Any

import click

from ftm_ray.cli.commands.run import run
from ftm_ray.cli.options import as_arguments, options_of, quarters_callback, root_option
from ftm_ray.cli.terminal import echo
from ftm_ray.errors import ConfigError

_RUN_OPTIONS = options_of(run, without={"root", "as_json"})


@click.command(short_help="Run quarters as a job on a cluster, and follow it.")
@click.argument("quarters", callback=quarters_callback)
@root_option
@click.option("--address", metavar="URL", help="Dashboard of the head. [default: RAY_API_SERVER_ADDRESS, or here]")
@click.option("--no-wait", is_flag=True, help="Do not follow the job.")
@click.option("--follow", is_flag=True, help="Follow the newest job of these quarters; nothing is sent.")
@click.pass_context
def submit(context: click.Context, quarters: tuple[str, ...], root: str, **options: Any) -> None:
    """Run QUARTERS (2023Q1, or several: 2023Q1..2024Q4) as a job on a cluster, and follow its log.

    Before the job is sent: the quarters are brought in, the cluster takes this machine's token and runs the same
    code, Ray and Python, an LLM at a URL answers, and no other job works on them. Ends with the job's exit code; Ctrl-C
    leaves the job alone. All other flags are those of `ftm run`.

    \b
      ftm submit 2023Q1 --root s3://bucket/ftm --llm serve
      ftm submit 2023Q1 --root s3://bucket/ftm --follow
    """
    from ftm_ray.cli.launch import submit as launch

    if options["follow"] and options["no_wait"]:
        raise ConfigError("--follow and --no-wait exclude one another")
    where, root = launch.cluster_address(options["address"]), launch.root_of_job(root)
    if options["follow"]:
        cluster, job = launch.found_job(quarters, root, where)
    else:
        flags = as_arguments((option for option in _RUN_OPTIONS if option.name not in ("config", "prices")), options)
        cluster, job = launch.submit_quarters(quarters, root, where, options, flags)
        echo(f"job {job} is sent to {where}", err=True)
    if options["no_wait"]:
        echo(launch.how_to_go_on(job, where), err=True)
    else:
        context.exit(launch.follow_to_the_end(cluster, job, where))


submit.params += _RUN_OPTIONS
