"""Which model `make demo-llm` serves: a small real Qwen3 where the hub is reached, else one whose words mean nothing.

    python tests/demo_model.py FOLDER

Prints the name or folder of the model on standard output, and on standard error what to expect of it.
"""

import socket
import sys
from pathlib import Path

from tiny_model import make_tiny_model

_SMALL_MODEL = "Qwen/Qwen3-0.6B"


def hub_is_reached() -> bool:
    """Whether a download has a chance; three seconds are enough to know."""
    try:
        socket.create_connection(("huggingface.co", 443), timeout=3).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    if hub_is_reached():
        print(f"Serving {_SMALL_MODEL} (1.5 GB, downloaded once): real words, of a small model.", file=sys.stderr)
        print(_SMALL_MODEL)
    else:
        print(
            "The hub cannot be reached, so a tiny model with random weights is served: all machinery is real, and its "
            "LABELS AND DESCRIPTIONS MEAN NOTHING.",
            file=sys.stderr,
        )
        print(make_tiny_model(Path(sys.argv[1])))
