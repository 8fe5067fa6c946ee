"""Rates: how long one piece of each kind of work takes, where that is known from, and how sure it is.

The table is `rates.toml`. What was not measured is marked, and its band is wide: a plan is no better than its rates.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from ftm_ray.errors import ConfigError

_TABLE = Path(__file__).with_name("rates.toml")

#: Which number of a rate: the likely one, or an end of its band.
Pick = Literal["value", "low", "high"]


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate.

    Attributes:
        name: As `stages.py` asks for it.
        value: The likely one.
        low, high: Ends of the band: that of the quickest and that of the slowest run.
        unit: What it is.
        measured: Whether a clock said so, and not arithmetic or somebody's page.
        machine: Where it was measured, or for what it was reckoned.
        source: The command that measures it, or where it comes from.
        seen: The day; None where a run tells none.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    measured: bool
    machine: str
    source: str
    seen: date | None

    def __post_init__(self) -> None:
        """The band holds the value.

        Raises:
            ValueError: It does not.
        """
        if not min(self.low, self.high) <= self.value <= max(self.low, self.high):
            raise ValueError(f"rate {self.name}: {self.value} is not between {self.low} and {self.high}")


@dataclass(frozen=True, slots=True)
class Rates:
    """All rates that a plan may use, by name."""

    rates: Mapping[str, Rate]

    def pick(self, which: Pick) -> dict[str, float]:
        """All rates as numbers: the likely ones, or one end of each band."""
        return {name: getattr(rate, which) for name, rate in self.rates.items()}

    def with_some(self, others: Mapping[str, Rate]) -> "Rates":
        """These, with some replaced."""
        return Rates(dict(self.rates) | dict(others))


@cache
def known_rates() -> Rates:
    """The table that comes with the package."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return Rates({name: Rate(name=name, **values) for name, values in table.items()})


def naming_rate(rates: Rates, card: str) -> str:
    """The name of the rate at which one copy of the model on such a card names topics.

    Raises:
        ConfigError: Nobody knows one.
    """
    name = f"named_per_s_{card.lower()}"
    if name not in rates.rates:
        known = sorted(rate.removeprefix("named_per_s_") for rate in rates.rates if rate.startswith("named_per_s_"))
        raise ConfigError(
            f"nobody has measured or reckoned how fast a {card} names topics (known: {', '.join(known)}); "
            "`--from-run RUN` takes the rate of a run that had one, `--llm none` plans without names"
        )
    return name
