"""`ftm doctor`: what this machine can do."""

from dataclasses import asdict

import click

from ftm_ray.cli.options import json_option, print_json
from ftm_ray.errors import SourceError


@click.command(short_help="Say what this machine can do.")
@click.option("--root", help="Tests writing to this folder or s3://bucket/prefix.")
@click.option("--llm", metavar="URL", help="Tests this OpenAI-compatible endpoint.")
@json_option
def doctor(root: str | None, llm: str | None, as_json: bool) -> None:
    """Say what this machine can do, and what to do where it cannot.

    \b
      ftm doctor --root s3://bucket/ftm --llm http://localhost:8000/v1
    """
    from ftm_ray.cli.doctor import examine
    from ftm_ray.cli.screens.shapes import show_checks

    findings = examine(root, llm)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        show_checks((f.status, f.name, f"{f.seen}\n-> {f.advice}" if f.advice else f.seen) for f in findings)
    failed = [finding.name for finding in findings if finding.status == "fail"]
    if failed:
        raise SourceError(f"not ready: {', '.join(failed)}")
