"""A prefetch to kill: what a child process of test_wrds.py does, in a module that a child can find by its name."""

import os

from standin import QUARTER


def prefetch(root: str, environment: dict[str, str], firms_per_part: int) -> None:
    """`ftm prefetch` with small parts and chunks; runs in a child."""
    from ftm_ray.cli.main import main
    from ftm_ray.sources import plan
    from ftm_ray.sources.wrds import calls as wrds_calls

    os.environ.update(environment)
    wrds_calls.FIRMS_PER_PART = plan.FIRMS_PER_CHUNK = firms_per_part
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    main(["prefetch", QUARTER, "--from", "wrds", "--root", root])
