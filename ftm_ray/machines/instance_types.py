"""EC2 types that a cluster may ask for: what Ray must be told of them, and why these.

Only types whose figures were looked up stand here; another is one line. Prices are left to EC2: they change daily.
"""

from dataclasses import dataclass

from ftm_ray.errors import ConfigError


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One EC2 type.

    Attributes:
        name: As EC2 calls it.
        cpus: vCPUs; Spot quotas count them.
        memory_gib: Main memory.
        gpus: Cards.
        card: What Ray calls the card; None where there is none.
        card_gib: Memory of one card.
    """

    name: str
    cpus: int
    memory_gib: int
    gpus: int = 0
    card: str | None = None
    card_gib: int = 0


#: 24 GB is the smallest card that holds Qwen3-8B in fp8 beside the map; four cores feed one.
_KNOWN = (
    InstanceType("g6.xlarge", 4, 16, 1, "L4", 24),
    InstanceType("g6.2xlarge", 8, 32, 1, "L4", 24),
    InstanceType("g6.4xlarge", 16, 64, 1, "L4", 24),
    InstanceType("g5.xlarge", 4, 16, 1, "A10G", 24),
    InstanceType("g5.2xlarge", 8, 32, 1, "A10G", 24),
    InstanceType("g5.4xlarge", 16, 64, 1, "A10G", 24),
    InstanceType("g6e.xlarge", 4, 32, 1, "L40S", 48),
    InstanceType("g6e.2xlarge", 8, 64, 1, "L40S", 48),
    InstanceType("g6.12xlarge", 48, 192, 4, "L4", 24),
    InstanceType("g5.12xlarge", 48, 192, 4, "A10G", 24),
    InstanceType("c7i.2xlarge", 8, 16),
    InstanceType("c7i.4xlarge", 16, 32),
    InstanceType("c6i.2xlarge", 8, 16),
    InstanceType("c6i.4xlarge", 16, 32),
    InstanceType("m7i.2xlarge", 8, 32),
    InstanceType("m7i.4xlarge", 16, 64),
    InstanceType("m6i.large", 2, 8),
    InstanceType("m6i.xlarge", 4, 16),
    InstanceType("m6i.2xlarge", 8, 32),
    InstanceType("m7i.xlarge", 4, 16),
)
KNOWN_TYPES = {kind.name: kind for kind in _KNOWN}


def look_up(name: str) -> InstanceType:
    """The type of that name.

    Raises:
        ConfigError: It is not known here.
    """
    if name not in KNOWN_TYPES:
        raise ConfigError(f"instance type '{name}' is not known to ftm-ray; known are {', '.join(KNOWN_TYPES)}")
    return KNOWN_TYPES[name]
