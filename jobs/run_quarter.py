"""One quarter as a Ray job: the same as `ftm run`, with the same arguments.

    ray job submit --working-dir . -- python jobs/run_quarter.py 2023Q1 --root s3://bucket/prefix
"""

import sys
from pathlib import Path

# Python looks for modules in the script's folder, jobs/, and not in the working directory that was sent to the
# cluster. With it in the path the job runs the code that was sent, whether or not ftm-ray is installed there.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ftm_ray.cli import cli

if __name__ == "__main__":
    cli(["run", *sys.argv[1:]], prog_name="ftm")
