"""What a run has used and what that costs, for run.json: nodes, S3, tokens.

Like the seconds it is of this run of the command: what an earlier one that was stopped has cost stands nowhere.
"""

from typing import Any

from ftm_ray.config import RunConfig
from ftm_ray.lake.s3_traffic import S3Traffic, taken
from ftm_ray.machines.cost import Tokens, Used, run_cost
from ftm_ray.machines.prices import Prices
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.nodes import node_times
from ftm_ray.run.record import RunLog
from ftm_ray.run.reduce_report import ReduceReport


def cost_of_run(root: str, config: RunConfig, prices: Prices, log: RunLog, report: ReduceReport) -> dict[str, Any]:
    """The part `cost` of run.json, up to this moment.

    Args:
        root: Where the files lie.
        config: With the LLM that was chosen (`llm.endpoint`): a model that the cluster serves has no price by token.
        prices: In US dollars.
        log: What was done until the themes.
        report: What the last step did.
    """
    used = Used(
        nodes=node_times(log.started, log.starting_s),
        traffic=_traffic(log, report) if root.startswith("s3://") else None,
        tokens=_tokens(config, log, report) if config.llm.is_paid else None,
    )
    cost = run_cost(used, prices, log.parts.n_firms, log.parts.n_topics)
    return cost | {"n_actors": log.n_actors, "n_batches_before": log.n_batches_before}


def dollars_of_nodes(prices: Prices, log: RunLog) -> float | None:
    """What the nodes have cost up to this moment; None where a price is missing or Ray does not tell."""
    used = Used(nodes=node_times(log.started, log.starting_s), traffic=None, tokens=None)
    usd: float | None = run_cost(used, prices, n_firms=0, n_topics=0)["usd"]
    return usd


def _traffic(log: RunLog, report: ReduceReport) -> S3Traffic:
    """Requests of the actors, which came with their work, and those of this process."""
    total = S3Traffic()
    for traffic in (log.traffic, report.traffic, taken()):
        total.add(traffic)
    return total


def _tokens(config: RunConfig, log: RunLog, report: ReduceReport) -> Tokens:
    total = LlmAccount()
    for account in (log.check, log.topics, report.theme_account):
        total.add(account)
    return Tokens(config.llm.model, total.prompt_tokens, total.cached_tokens, total.completion_tokens)
