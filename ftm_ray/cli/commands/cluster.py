"""`ftm cluster`: the file for `ray up`, and what is wrong with it."""

from pathlib import Path

import click

from ftm_ray.cli.options import json_option, print_json
from ftm_ray.cli.terminal import echo
from ftm_ray.errors import ConfigError


@click.group(short_help="Make and check the file for `ray up`.")
def cluster() -> None:
    """Make and check the file for `ray up`, before anything costs money.

    \b
      ftm cluster render --bucket my-bucket --image REGISTRY/ftm-ray:TAG
      ftm cluster check cluster.yaml
    """


def _names(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


@cluster.command(short_help="Write cluster.yaml.")
@click.option("--bucket", required=True, help="Bucket of ROOT, its name alone.")
@click.option("--image", required=True, metavar="REGISTRY/NAME:TAG", help="Docker image that all nodes run.")
@click.option("--region", default="us-east-2", show_default=True, help="The bucket's region.")
@click.option("--gpu", default="g6.xlarge,g5.xlarge", show_default=True, callback=_names, help="Spot types, in order.")
@click.option("--cpu-nodes", default="", callback=_names, help="Spot types without cards, in order. [default: none]")
@click.option("--max-nodes", type=click.IntRange(1, 500), default=8, show_default=True, help="Most nodes of each kind.")
@click.option("--zones", default="abc", show_default=True, help="Letters of the availability zones.")
@click.option("--on-demand-last", is_flag=True, help="When all Spot types are dry, the first at the full price.")
@click.option("--ami", help="Machine image. [default: AWS's newest for GPU machines]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("cluster.yaml"), show_default=True)
def render(out: Path, gpu: tuple[str, ...], cpu_nodes: tuple[str, ...], ami: str | None, **wish: str) -> None:
    """Write a file for `ray up`, and beside it the settings that tell `ftm run` how far that cluster can grow.

    \b
      ftm cluster render --bucket my-bucket --image REGISTRY/ftm-ray:TAG --max-nodes 4
    """
    from ftm_ray.machines.cluster_file import NEWEST_AMI, ClusterWish, render_cluster, render_settings

    made = ClusterWish(gpu_types=gpu, cpu_types=cpu_nodes, ami=ami or NEWEST_AMI, **wish)  # type: ignore[arg-type]
    settings = out.with_suffix(".toml")
    try:
        out.write_text(render_cluster(made), encoding="utf-8")
        settings.write_text(render_settings(made), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from error
    echo(f"{out} is for `ray up`, {settings} for `ftm run --config`; next: ftm doctor --cluster {out}")


@cluster.command(short_help="Say what is wrong with a cluster file.")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Say what is wrong with FILE, one sentence each; ends with 2 if anything is. Asks nobody but the file.

    \b
      ftm cluster check cluster.yaml
    """
    from ftm_ray.machines.cluster_checks import find_problems, read_cluster_file

    problems = find_problems(read_cluster_file(file))
    if as_json:
        print_json(problems)
    for problem in [] if as_json else problems:
        echo(problem)
    if problems:
        raise ConfigError(f"{file} has {len(problems)} fault(s); nothing was started")
    if not as_json:
        echo(f"{file}: no fault found; `ftm doctor --cluster {file}` asks the account")
