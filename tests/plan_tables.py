"""The tables of rates and prices for docs/plan.md, out of the files that a plan reads; a test holds them equal.

python tests/plan_tables.py
"""

from ftm_ray.machines.prices import default_prices
from ftm_ray.run.planning.rates import known_rates


def rate_rows() -> list[str]:
    """A row for each rate."""
    rows = ["| rate | likely | band | what it is | measured | where, how, when |", "|---|---|---|---|---|---|"]
    for rate in known_rates().rates.values():
        band = f"{rate.low:g} to {rate.high:g}"
        source = f"{rate.machine}; {rate.source}; {rate.seen}"
        measured = "yes" if rate.measured else "**no**"
        rows.append(f"| `{rate.name}` | {rate.value:g} | {band} | {rate.unit} | {measured} | {source} |")
    return rows


def price_rows() -> list[str]:
    """A row for each price that comes with the package."""
    prices = default_prices()
    rows = ["| | US dollars | source | day |", "|---|---|---|---|"]
    for name, price in prices.nodes.items():
        spot = "" if price.spot is None else f", {price.spot:g} as Spot"
        rows.append(f"| `{name}` | {price.on_demand:g} an hour on demand{spot} | {price.source} | {price.seen} |")
    if s3 := prices.s3:
        rows.append(
            f"| S3 | {s3.writes:g} per 1,000 requests that write or list, {s3.reads:g} per 1,000 that read "
            f"| {s3.source} | {s3.seen} |"
        )
    return rows


if __name__ == "__main__":
    print("\n".join([*rate_rows(), "", *price_rows()]))
