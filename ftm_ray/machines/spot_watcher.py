"""Hears of EC2's notice that a Spot node will be taken away in two minutes, and has Ray move its work before that.

Runs beside the node (`python -m ftm_ray.machines.spot_watcher --address HEAD:6379`) and asks the machine's metadata
service every 5 seconds: EC2 gives 120, and what Ray does with them counts. Ray 2.60 has no such watcher. A node that is
drained gets no new work, its actors start elsewhere, and the model is replaced while the old replica answers.

On a machine without that service it ends with one line; on an on-demand node it asks on and never hears anything.
"""

import argparse
import json
import logging
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ftm_ray.environment import metadata_endpoint
from ftm_ray.machines.machine_metadata import MachineMetadata, NoMetadataError

logger = logging.getLogger(__name__)

POLL_S = 5.0
#: A machine that is still booting may miss some answers; one without the service misses all.
_TRIES = 6
#: What Ray is told is this much before the end, so that its own last steps fit in.
_MARGIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Notice:
    """What EC2 announced.

    Attributes:
        action: terminate, stop or hibernate; for us all the same.
        at: When.
    """

    action: str
    at: datetime

    def seconds_left(self, now: datetime) -> int:
        """What Ray may use of the time until then, never below 1."""
        return max(1, int((self.at - now).total_seconds() - _MARGIN_S))


class SpotWatcher:
    """Asks one machine's metadata service for the notice."""

    def __init__(self, endpoint: str) -> None:
        self._metadata = MachineMetadata(endpoint)

    def ask(self) -> Notice | None:
        """The notice, or None while there is none.

        Raises:
            NoMetadataError: Nobody answers.
        """
        text = self._metadata.get("/latest/meta-data/spot/instance-action")
        if text is None:
            return None
        told = json.loads(text)
        return Notice(told["action"], datetime.fromisoformat(told["time"].replace("Z", "+00:00")))


def wait_for_notice(watcher: SpotWatcher) -> Notice:
    """Ask until there is a notice.

    Raises:
        NoMetadataError: Nobody answered several times running.
    """
    missed = 0
    while True:
        try:
            if notice := watcher.ask():
                return notice
            missed = 0
        except NoMetadataError:
            missed += 1
            if missed >= _TRIES:
                raise
        time.sleep(POLL_S)


def drain(address: str, node_id: str | None, notice: Notice) -> bool:
    """Tell Ray that this node goes; True if Ray took note.

    Args:
        address: HOST:PORT of the cluster.
        node_id: Ray's hexadecimal name of this node; None = the living node with this machine's address.
        notice: What EC2 said.
    """
    node_id = node_id or node_of_this_machine(address)
    if node_id is None:
        logger.error("no living node of the cluster at %s is on this machine: nothing to drain", address)
        return False
    left = notice.seconds_left(datetime.now(UTC))
    words = [
        "--node-id",
        node_id,
        "--reason",
        "DRAIN_NODE_REASON_PREEMPTION",
        "--reason-message",
        f"Spot {notice.action}",
    ]
    ray = str(Path(sys.executable).parent / "ray")
    done = subprocess.run(
        [ray, "drain-node", "--address", address, *words, "--deadline-remaining-seconds", str(left)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        logger.error("Ray did not take the notice: %s", done.stderr.strip()[-300:])
        return False
    logger.warning("EC2 takes this node at %s: drained, %d s left for what runs here", notice.at.isoformat(), left)
    return True


def _drained(address: str, node_id: str | None, notice: Notice) -> bool:
    try:
        return drain(address, node_id, notice)
    except Exception as error:  # noqa: BLE001 - whatever it was, there are two minutes to try again in
        logger.error("this node could not be drained, trying again: %s", error)
        return False


def node_of_this_machine(address: str) -> str | None:
    """Ray's name of the living node on this machine, without joining the cluster as a program of its own."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, int(port)))  # no packet is sent; the system says which address would be used
        mine = probe.getsockname()[0]
    alive = 0  # GcsNodeInfo.ALIVE
    nodes = GcsClient(address=address).get_all_node_info().values()
    return next((n.node_id.hex() for n in nodes if n.state == alive and n.node_manager_address == mine), None)


def main(arguments: list[str] | None = None) -> int:
    """Watch until the notice has come and Ray knows of it; 0 also where there is nothing to watch."""
    parser = argparse.ArgumentParser(description="Have Ray drain this node when EC2 announces that it takes it away.")
    parser.add_argument("--address", required=True, help="HOST:PORT of the cluster")
    parser.add_argument("--node-id", help="Ray's name of the node; default: the node on this machine")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    watcher = SpotWatcher(metadata_endpoint())
    try:
        notice = wait_for_notice(watcher)
    except NoMetadataError as error:
        logger.info("no EC2 metadata service here, so nothing to watch: %s", error)
        return 0
    while not _drained(options.address, options.node_id, notice):
        if notice.at < datetime.now(UTC):
            return 1
        time.sleep(POLL_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
