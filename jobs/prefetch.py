"""Prefetch one quarter as a Ray job: `ray job submit --working-dir . -- python jobs/prefetch.py 2023Q1 --root ROOT`.

The same as `ftm prefetch`, with the same flags and exit codes. It needs no Ray itself: as a job it runs near the data,
on the head node, and its output stays in the job's log.
"""

import sys

from ftm_ray.cli.main import cli

if __name__ == "__main__":
    cli(["prefetch", *sys.argv[1:]], prog_name="ftm")
