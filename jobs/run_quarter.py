"""Run one quarter as a Ray job: `ray job submit --working-dir . -- python jobs/run_quarter.py 2023Q1 --root ROOT`.

The same as `ftm run`, with the same flags and exit codes. Ray puts the working directory that it was sent on the
Python path of the driver and of all workers (seen in 2.60), so the job runs the code that was sent, whether or not
ftm-ray is installed on the cluster.
"""

import sys

from ftm_ray.cli.main import cli

if __name__ == "__main__":
    cli(["run", *sys.argv[1:]], prog_name="ftm")
