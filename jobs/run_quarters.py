"""Run several quarters as one Ray job: `... -- python jobs/run_quarters.py 2023Q1..2024Q4 --root ROOT`.

The same as `ftm run-quarters`, with the same flags and exit codes; `ftm submit 2023Q1..2024Q4` sends it.
"""

import sys

from ftm_ray.cli.main import cli

if __name__ == "__main__":
    cli(["run-quarters", *sys.argv[1:]], prog_name="ftm")
