"""What a node tells Ray about itself: its EC2 type, and how it was bought. Both decide its price.

One node type of the cluster file may be any of several EC2 types, and the full price where Spot was dry; the provider
knows, but Ray 2.60 passes nothing of it on. So each node asks its own metadata service when it starts:

    ray start --labels "$(python -m ftm_ray.machines.node_labels)"

On a machine without that service nothing is printed, and Ray starts without these labels.
"""

import logging
import sys
from collections.abc import Mapping

from ftm_ray.environment import metadata_endpoint
from ftm_ray.machines.machine_metadata import MachineMetadata, NoMetadataError

logger = logging.getLogger(__name__)

TYPE_LABEL = "ftm-instance-type"
MARKET_LABEL = "ftm-market"
#: Of the cluster file: what was asked for, which is Spot also where the full price was paid in the end.
_ASKED_MARKET_LABEL = "ray.io/market-type"


def market_of(labels: Mapping[str, str]) -> str | None:
    """'spot' or 'on-demand', as the node itself says, else as the cluster file does; None where neither does."""
    market = labels.get(MARKET_LABEL) or labels.get(_ASKED_MARKET_LABEL)
    return market if market in ("spot", "on-demand") else None


def own_labels() -> dict[str, str]:
    """The labels of the machine that this runs on; none where it is no EC2 machine."""
    metadata = MachineMetadata(metadata_endpoint())
    try:
        told = {
            TYPE_LABEL: metadata.get("/latest/meta-data/instance-type"),
            MARKET_LABEL: metadata.get("/latest/meta-data/instance-life-cycle"),
        }
    except NoMetadataError as error:
        logger.warning("this machine's EC2 type is not known: %s", error)
        return {}
    return {name: value for name, value in told.items() if value}


def main() -> int:
    """Print the labels as `ray start --labels` takes them."""
    logging.basicConfig(format="%(message)s")
    sys.stdout.write(",".join(f"{name}={value}" for name, value in own_labels().items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
