"""`ftm doctor --cluster FILE`: the file, this machine's token, the account, the cluster if it is up. Buys nothing."""

from pathlib import Path

from ftm_ray.environment import ray_dashboard
from ftm_ray.machines.account_probe import examine_account
from ftm_ray.machines.cluster_checks import find_problems, read_cluster_file
from ftm_ray.machines.cluster_probe import examine_cluster
from ftm_ray.machines.findings import Finding


def examine_cluster_file(path: Path, weights: str | None) -> list[Finding]:
    """Look at everything that a cluster file needs.

    Args:
        path: File for `ray up`.
        weights: `s3://bucket/prefix` of the model's weights; None = not looked for.

    Raises:
        ConfigError: The file cannot be read.
    """
    config = read_cluster_file(path)
    if problems := find_problems(config):
        faults = [Finding("cluster file", "fail", problem) for problem in problems]
        return [*faults, Finding("AWS account", "skip", "not asked before the file is right")]
    found = [Finding("cluster file", "ok", f"{path}: no fault"), token_finding()]
    return [*found, *examine_account(config, weights), *examine_cluster(ray_dashboard())]


def token_finding() -> Finding:
    """The key to the cluster, which `ray up` copies to the nodes."""
    path = Path("~/.ray/auth_token").expanduser()
    if not path.is_file() or not path.read_text(encoding="utf-8").strip():
        return Finding(
            "token", "fail", f"{path} is not there, or empty", "ray get-auth-token --generate, then chmod 600 on it"
        )
    if path.stat().st_mode & 0o077:
        return Finding("token", "fail", f"{path} can be read by others", f"chmod 600 {path}")
    return Finding("token", "ok", f"{path}, readable by you alone")
