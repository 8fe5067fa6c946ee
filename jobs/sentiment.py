"""A quarter's sentiment as a Ray job: `ray job submit --working-dir . -- python jobs/sentiment.py 2023Q1 --root ROOT`.

The same as `ftm sentiment`, with the same flags and exit codes. A folder given as --model must be on every node.
"""

import sys

from ftm_ray.cli.main import cli

if __name__ == "__main__":
    cli(["sentiment", *sys.argv[1:]], prog_name="ftm")
