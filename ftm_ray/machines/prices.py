"""Prices: of a node for an hour, of requests to S3, of an endpoint's tokens; dated defaults, and the user's own.

What has no price has none: nothing here falls back to zero or to a price of something alike.
"""

import tomllib
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr, ValidationError, field_validator

from ftm_ray.config import Settings
from ftm_ray.errors import ConfigError

Usd = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]

_DEFAULTS = Path(__file__).with_name("prices.toml")


class _Sourced(Settings):
    """Where a price comes from, and of which day it is."""

    source: str | None = None
    seen: date | None = None


class NodePrice(_Sourced):
    """US dollars of a node for an hour, by how it was bought; null = not known."""

    on_demand: Usd | None = None
    spot: Usd | None = None

    def of(self, market: str) -> float | None:
        """The price on a market: 'spot' or 'on-demand'."""
        return self.spot if market == "spot" else self.on_demand


class S3Price(_Sourced):
    """US dollars per 1,000 requests of S3: those that write or list, and those that read."""

    writes: Usd
    reads: Usd


class TokenPrice(_Sourced):
    """US dollars per million tokens of an endpoint; null for cached = as other prompt tokens."""

    prompt: Usd
    completion: Usd
    cached: Usd | None = None


class Prices(Settings):
    """All prices: nodes by EC2's type or the name of their node type in the cluster file, endpoints by their model."""

    nodes: dict[str, NodePrice] = {}
    _defaults: dict[str, NodePrice] = PrivateAttr(default_factory=dict)  # nodes', for what the user's file leaves out
    s3: S3Price | None = None
    llm: dict[str, TokenPrice] = {}

    @field_validator("nodes", mode="before")
    @classmethod
    def _one_price_for_all(cls, nodes: object) -> object:
        """`"g6.xlarge" = 0.35` means: however it was bought."""
        if not isinstance(nodes, dict):
            return nodes
        return {
            name: {"on_demand": price, "spot": price} if isinstance(price, int | float) else price
            for name, price in nodes.items()
        }

    def over(self, defaults: "Prices") -> "Prices":
        """These prices, and the defaults for what they do not name: a market of a node, S3, an endpoint."""
        made = Prices(nodes=self.nodes, s3=self.s3 or defaults.s3, llm=defaults.llm | self.llm)
        made._defaults = defaults.nodes
        return made

    def of_node(self, names: Sequence[str], market: str | None) -> NodePrice | None:
        """The price of a node on a market, with its source; None where nobody knows it.

        Args:
            names: Of the node, all as good: a price of the user's by any of them wins over a default by another.
            market: 'spot' or 'on-demand'; None = not known, so there is a price only if both cost the same.
        """
        if market is None:
            dear, cheap = self.of_node(names, "on-demand"), self.of_node(names, "spot")
            return dear if dear and cheap and dear.on_demand == cheap.spot else None
        known = [table[name] for table in (self.nodes, self._defaults) for name in names if name in table]
        return next((price for price in known if price.of(market) is not None), None)


def load_prices(path: Path | None) -> Prices:
    """The defaults, with those of the user's file over them.

    Args:
        path: TOML in the form of prices.toml beside this file; None = the defaults alone.

    Raises:
        ConfigError: The file is missing, is not TOML, or holds something else than prices.
    """
    return default_prices() if path is None else _read(path).over(default_prices())


@cache
def default_prices() -> Prices:
    """The prices that come with the package, each with its source and day."""
    return _read(_DEFAULTS)


def _read(path: Path) -> Prices:
    try:
        return Prices.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read the prices {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the prices {path} are not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"the prices {path}: {where}: {first['msg']} (got {first['input']!r}); docs/plan.md shows the form"
        ) from error
