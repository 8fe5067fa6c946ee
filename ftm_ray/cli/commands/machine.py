"""`ftm doctor`: what this machine can do."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ftm_ray.cli.options import config_option, json_option, print_json
from ftm_ray.errors import SourceError


@click.command(short_help="Say what this machine can do.")
@click.option("--root", help="Tests writing to this folder or s3://bucket/prefix.")
@click.option("--llm", metavar="URL", help="Tests this OpenAI-compatible endpoint.")
@click.option("--cluster", type=click.Path(path_type=Path), help="Asks the account for what this file needs.")
@click.option("--weights", metavar="s3://...", help="Looks for the model's weights there (with --cluster).")
@click.option("--notify", is_flag=True, help="Sends a trial message to those who are told when a run ends.")
@config_option
@json_option
def doctor(root: str | None, llm: str | None, as_json: bool, **options: Any) -> None:
    """Say what this machine can do, and what to do where it cannot.

    \b
      ftm doctor --root s3://bucket/ftm --llm http://localhost:8000/v1
      ftm doctor --root s3://bucket/ftm --cluster cluster.yaml
      ftm doctor --notify --config run.toml
    """
    from ftm_ray.cli.cluster_doctor import examine_cluster_file
    from ftm_ray.cli.doctor import examine
    from ftm_ray.cli.launch.notify import notification_findings
    from ftm_ray.cli.screens.shapes import show_checks
    from ftm_ray.config import load_config

    findings = examine(root, llm)
    if options["cluster"] is not None:
        findings += examine_cluster_file(options["cluster"], options["weights"])
    if options["notify"]:
        findings += notification_findings(load_config(options["config"], {}).notify)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        show_checks((f.status, f.name, f"{f.seen}\n-> {f.advice}" if f.advice else f.seen) for f in findings)
    failed = [finding.name for finding in findings if finding.status == "fail"]
    if failed:
        raise SourceError(f"not ready: {', '.join(failed)}")
