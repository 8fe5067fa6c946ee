"""`ftm plan` between the command and the reckoning: work, nodes and rates out of what was typed."""

from pathlib import Path
from typing import Any

from ftm_ray.cli.options import Options, open_lake
from ftm_ray.config import RunConfig, load_config
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.machines.prices import load_prices
from ftm_ray.run.planning.from_run import rates_of_run, work_of
from ftm_ray.run.planning.plan import Ask, Plan, make_plan, with_one_more
from ftm_ray.run.planning.rates import Rates, known_rates
from ftm_ray.run.planning.work import Work, config_of, parse_nodes


def planned(options: Options) -> tuple[Plan, Plan | None]:
    """The plan, and that of one more node; None where there is no such thing.

    Raises:
        ConfigError: A flag or file is wrong, it does not fit on the nodes, or a rate is not known.
        SourceError: The run of --from-run is not there.
    """
    config = load_config(options["config"], {"cost.prices": options["prices"]})
    prices = load_prices(config.cost.prices)
    record = None if options["from_run"] is None else _record(options["from_run"], options["root"])
    rates = known_rates() if record is None else rates_of_run(record, known_rates())
    nodes = parse_nodes(options["nodes"])
    ask = Ask(_work(options, record, rates), nodes, _with_llm(config, options["llm"], nodes), options["market"])
    made = make_plan(ask, rates, prices)
    return made, make_plan(with_one_more(ask), rates, prices) if made.fleet.is_cluster else None


def _with_llm(config: RunConfig, endpoint: str, nodes: tuple[Any, ...]) -> RunConfig:
    if endpoint not in ("none", "serve") and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(f"--llm {endpoint}: expected none, serve, or the URL of an endpoint")
    return config_of(config, endpoint, nodes)


def _work(options: Options, record: dict[str, Any] | None, rates: Rates) -> Work:
    known = rates.pick("value")
    if options["firms"] is None and record is None:
        raise ConfigError("--firms is missing: how many firms has the quarter?")
    if options["firms"] is None and record is not None:
        return work_of(record)
    n_firms = int(options["firms"])
    n_sentences = round(options["sentences"] or n_firms * known["sentences_per_firm"])
    if n_sentences < 1:
        raise ConfigError(f"--sentences {options['sentences']}: expected at least one")
    return Work(n_firms, n_sentences, options["topics"] or max(1, round(n_sentences * known["topics_per_sentence"])))


def _record(run: str, root: str | None) -> dict[str, Any]:
    """run.json: a file, or that of what is published of a quarter."""
    if root is not None:
        return published_record(open_lake(root), run)
    path = Path(run).expanduser()
    if not path.is_file():
        raise SourceError(f"--from-run {run}: there is no such file; a quarter needs --root")
    return Lake(str(path.absolute().parent)).read_json(path.name)
