"""What the environment says: other programs' variables that this one heeds, and the cores that it gives.

Beside these only config.py looks there, for the endpoint's key; the webhook that is told of runs is read here, too.
"""

import os


def usable_cores() -> int:
    """Cores that this process may use: those of its affinity. A container's quota of time is not seen."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def postgres_user() -> str | None:
    """The WRDS user name, where the environment has it. libpq itself would fall back to the name of the login here."""
    return os.environ.get("PGUSER")


def ray_address() -> str | None:
    """The cluster to join, or None to run embedded.

    `ray job submit` sets RAY_ADDRESS for the driver; a person may set it by hand.
    """
    return os.environ.get("RAY_ADDRESS")


def aws_region() -> str | None:
    """The region in AWS_REGION, as most AWS tools read it; boto3 by itself reads AWS_DEFAULT_REGION and the profile."""
    return os.environ.get("AWS_REGION")


def metadata_endpoint() -> str:
    """Where an EC2 machine tells about itself; AWS's own variable moves it, for tests."""
    return os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"


def ray_dashboard() -> str | None:
    """Where `ray job submit` sends jobs, or None: Ray's own variable."""
    return os.environ.get("RAY_API_SERVER_ADDRESS")


def use_dashboard(address: str) -> None:
    """Have Ray's client of jobs ask this address: it believes its variables, RAY_ADDRESS too, before its argument."""
    os.environ["RAY_API_SERVER_ADDRESS"] = address


def webhook_address(variable: str | None) -> str | None:
    """The address of the webhook that is told when a run ends, a secret; None where there is none."""
    return (os.environ.get(variable, "").strip() or None) if variable else None
