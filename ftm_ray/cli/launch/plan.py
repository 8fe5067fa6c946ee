"""`ftm plan` between the command and the reckoning: work, nodes and rates out of what was typed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ftm_ray.cli.options import Options, open_lake
from ftm_ray.config import RunConfig, load_config
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.machines.prices import load_prices
from ftm_ray.run.planning.from_run import rates_of_run
from ftm_ray.run.planning.plan import Ask, Plan, make_plan, plan_one_more
from ftm_ray.run.planning.rates import Rates, known_rates
from ftm_ray.run.planning.told import ToldRun, read_run
from ftm_ray.run.planning.work import Work, config_of, parse_nodes

#: More than all firms of the world say in a century; beyond it numbers overflow.
_MOST_SENTENCES = 1e12


def planned(options: Options) -> tuple[Plan, Plan | None]:
    """The plan, and that of one more node; None where there is no such thing.

    Raises:
        ConfigError: A flag or file is wrong, it does not fit on the nodes, or a rate is not known.
        SourceError: The run of --from-run is not there.
    """
    config = load_config(options["config"], {"cost.prices": options["prices"]})
    prices = load_prices(config.cost.prices)
    run = _earlier_run(options["from_run"], options["root"])
    rates = known_rates() if run is None else rates_of_run(run, known_rates())
    nodes = parse_nodes(options["nodes"])
    work = _work(options, None if run is None else run.work, rates)
    ask = Ask(work, nodes, _with_llm(config, options["llm"], nodes), options["market"])
    return make_plan(ask, rates, prices), plan_one_more(ask, rates, prices)


def _with_llm(config: RunConfig, endpoint: str, nodes: tuple[Any, ...]) -> RunConfig:
    if endpoint not in ("none", "serve") and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(f"--llm {endpoint}: expected none, serve, or the URL of an endpoint")
    return config_of(config, endpoint, nodes)


def _work(options: Options, of_run: Work | None, rates: Rates) -> Work:
    """What was typed; what was not is that of the run, and where the size is another, in its proportions."""
    known = rates.pick("value")
    firms, sentences, topics = options["firms"], options["sentences"], options["topics"]
    if firms is None and of_run is None:
        raise ConfigError("--firms is missing: how many firms has the quarter?")
    if sentences is not None and not 1 <= sentences <= _MOST_SENTENCES:  # nor is nan
        raise ConfigError(
            f"--sentences {sentences:g}: expected at least one and at most {_MOST_SENTENCES:g}; leave it out for "
            f"{known['sentences_per_firm']:.0f} a firm"
        )
    if of_run is not None and firms is None and sentences is None:
        return of_run if topics is None else replace(of_run, n_topics=topics)
    n_firms = of_run.n_firms if firms is None and of_run is not None else int(firms)
    n_sentences = max(1, round(n_firms * known["sentences_per_firm"] if sentences is None else sentences))
    return Work(n_firms, n_sentences, topics or max(1, round(n_sentences * known["topics_per_sentence"])))


def _earlier_run(name: str | None, root: str | None) -> ToldRun | None:
    """The run of --from-run: a run.json, or that of what is published of a quarter."""
    if name is None:
        if root is not None:
            raise ConfigError(
                f"--root {root} is where the quarter of --from-run is published, and --from-run is not given: give "
                "both, or leave --root out"
            )
        return None
    if root is not None:
        return read_run(published_record(open_lake(root), name), name)
    path = Path(name).expanduser()
    if not path.is_file():
        raise SourceError(f"--from-run {name}: there is no such file; a quarter needs --root")
    return read_run(Lake(str(path.absolute().parent)).read_json(path.name), name)
