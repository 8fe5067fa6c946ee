"""A run whose firms do harm to the process that works on them, for test_slow_poison.py; its words: ROOT, settings.

The harm is planted in each worker of Ray as it starts, by a function of Ray's own for that: real texts that crash torch
or fill the memory are not to be had for a test. All that finds the firm, and goes on without it, is the product's.
"""

import faulthandler
import os
import re
import signal
import sys
import tomllib
from pathlib import Path

import ray
from sample import QUARTER

from ftm_ray.config import RunConfig
from ftm_ray.run.pipeline import run_quarter
from ftm_ray.topics import finder


def overflow_the_recursion() -> None:
    raise RecursionError("planted")


#: What a sentence with the word does to its process.
HARM = {
    "poison-raise": overflow_the_recursion,
    "poison-segfault": faulthandler._sigsegv,
    "poison-memory": lambda: os.kill(os.getpid(), signal.SIGKILL),  # as the kernel ends it where memory is out
    "poison-hang": lambda: re.match("(a|a)*b", "a" * 64),  # takes years and holds Python's lock
}


def plant() -> None:
    """Ray calls it in each worker before its first task."""
    harmless = finder.rule_drop_reason

    def rule_drop_reason(sentence: str, speaker_type: str | None) -> str | None:
        for word, harm in HARM.items():
            if word in sentence:
                harm()
        return harmless(sentence, speaker_type)

    finder.rule_drop_reason = rule_drop_reason


if __name__ == "__main__":
    root, settings = sys.argv[1:]
    config = RunConfig.model_validate(tomllib.loads(Path(settings).read_text()))
    poison = {"worker_process_setup_hook": plant}
    ray.init(address="local", include_dashboard=False, log_to_driver=False, runtime_env=poison)
    run_quarter(root, QUARTER, config, lambda progress: print(progress, flush=True))
    ray.shutdown()
