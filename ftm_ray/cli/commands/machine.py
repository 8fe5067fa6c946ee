"""`ftm doctor`: what this machine can do."""

from dataclasses import asdict
from pathlib import Path

import click

from ftm_ray.cli.options import json_option, print_json
from ftm_ray.errors import SourceError


@click.command(short_help="Say what this machine can do.")
@click.option("--root", help="Tests writing to this folder or s3://bucket/prefix.")
@click.option("--llm", metavar="URL", help="Tests this OpenAI-compatible endpoint.")
@click.option("--cluster", type=click.Path(path_type=Path), help="Asks the account for what this file needs.")
@click.option("--weights", metavar="s3://...", help="Looks for the model's weights there (with --cluster).")
@json_option
def doctor(root: str | None, llm: str | None, cluster: Path | None, weights: str | None, as_json: bool) -> None:
    """Say what this machine can do, and what to do where it cannot.

    \b
      ftm doctor --root s3://bucket/ftm --llm http://localhost:8000/v1
      ftm doctor --root s3://bucket/ftm --cluster cluster.yaml
    """
    from ftm_ray.cli.cluster_doctor import examine_cluster_file
    from ftm_ray.cli.doctor import examine
    from ftm_ray.cli.screens.shapes import show_checks

    findings = examine(root, llm)
    if cluster is not None:
        findings += examine_cluster_file(cluster, weights)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        show_checks((f.status, f.name, f"{f.seen}\n-> {f.advice}" if f.advice else f.seen) for f in findings)
    failed = [finding.name for finding in findings if finding.status == "fail"]
    if failed:
        raise SourceError(f"not ready: {', '.join(failed)}")
