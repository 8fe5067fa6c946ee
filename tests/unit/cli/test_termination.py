"""SIGTERM ends a command as Ctrl-C does. A whole run: tests/integration/test_stopped_jobs.py."""

import os
import signal
import subprocess
import sys

COMMAND = """
import sys, time, click
from ftm_ray.cli.main import cli
@cli.command()
def sleep():
    try:
        click.echo("asleep")
        time.sleep(60)
    finally:
        time.sleep(0.5)
        click.echo("tidied up")
cli()
"""


def test_sigterm_ends_with_one_sentence_and_143_and_a_second_one_interrupts_no_tidying_up():
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "sleep"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "asleep\n"
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (143, "tidied up\n")
    assert errors == "stopped; the same command goes on where this one stopped\n"
