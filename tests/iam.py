"""The policy files of cluster/iam/, as IAM reads them: what a machine may call. Only what those files use is known."""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from s3_server import BUCKET, Call

FOLDER = Path(__file__).parents[1] / "cluster" / "iam"


@dataclass(frozen=True)
class Grant:
    """One action on one resource, or the listing of one prefix."""

    action: str
    pattern: str

    def covers(self, call: Call) -> bool:
        return call.action == self.action and fnmatchcase(call.key, self.pattern)


def grants(machine: str, prefix: str) -> list[Grant]:
    """Everything that a policy file allows, with BUCKET and PREFIX filled in."""
    text = (FOLDER / f"{machine}.json").read_text(encoding="utf-8").replace("BUCKET", BUCKET).replace("PREFIX", prefix)
    found = []
    for statement in json.loads(text)["Statement"]:
        assert statement["Effect"] == "Allow"
        condition = statement.get("Condition")
        if condition is None:
            patterns = [resource.removeprefix(f"arn:aws:s3:::{BUCKET}/") for resource in statement["Resource"]]
            assert not any(pattern.startswith("arn:") for pattern in patterns)  # only files below the bucket
        else:
            assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}"]
            assert list(condition) == ["StringLike"]
            patterns = condition["StringLike"]["s3:prefix"]
        found += [Grant(action, pattern) for action in statement["Action"] for pattern in patterns]
    return found
