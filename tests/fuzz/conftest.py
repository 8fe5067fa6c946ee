"""Broken inputs of every kind: a few hundred in each `make test`, over ten thousand with `make fuzz`."""

from damages import COUNTED  # noqa: I001  (a file of this folder)
from hypothesis import HealthCheck, Phase, settings
from long_mode import FUZZ_INPUTS

_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
#: Not made smaller: that takes minutes where an input takes a tenth of a second, and damages are short as they are.
_USUAL = {"deadline": None, "suppress_health_check": _CHECKS, "phases": [Phase.explicit, Phase.generate]}
settings.register_profile("short", max_examples=10, derandomize=True, **_USUAL)
settings.register_profile("long", max_examples=max(1, FUZZ_INPUTS), **_USUAL)
settings.load_profile("long" if FUZZ_INPUTS else "short")


def pytest_terminal_summary(terminalreporter):
    """How many broken inputs there were; with several processes, each counts its own and nothing is shown."""
    if COUNTED:
        counted = ", ".join(f"{n} {name}" for name, n in sorted(COUNTED.items()))
        terminalreporter.write_line(f"fuzz: {counted}")
