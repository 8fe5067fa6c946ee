"""The screen of `ftm plan`: stages with their bands, what is waited for, one more node, and what it all hangs on."""

from rich.table import Table
from rich.text import Text

from ftm_ray.cli.progress import duration
from ftm_ray.cli.screens.cost import dollars
from ftm_ray.cli.screens.shapes import console, counted, fields
from ftm_ray.run.planning.plan import Plan
from ftm_ray.run.planning.rates import Rate

_STAGES = {
    "start": "nodes and Ray",
    "model": "the model",
    "map": "topics of firms, and their names",
    "reduce": "themes, and publishing",
    "idle": "idle nodes at the end",
}
_WAITS = {
    "start": "the start of nodes, model and actors",
    "find": "finding topics: more cores or nodes make it faster",
    "name": "naming: more copies of the model or a faster endpoint make it faster, more topic actors do not",
    "fits": "clustering all topics, one fit a core",
}


def show_plan(plan: Plan, one_more: Plan | None) -> None:
    """A plan for a person."""
    out = console()
    work, fleet = plan.work, plan.fleet
    nodes = ", ".join(f"{kind.max_nodes} x {kind.name}" for kind in fleet.nodes)
    size = f"{counted(work.n_firms, 'firm')}, {work.n_sentences:,} sentences, {work.n_topics:,} topics"
    out.print(Text(f"{size} on {nodes}", "bold"))
    made = f"{counted(fleet.n_actors, 'topic actor')}, {counted(min(fleet.n_fit_lanes, fleet.n_fits), 'fit')} at once"
    out.print(Text(made + (f", {fleet.n_copies} x the model" if fleet.n_copies else ""), "dim"))
    out.print(_stage_table(plan))
    out.print(fields(_lines(plan, one_more)))
    for rate in plan.not_measured:
        out.print(Text(f"not measured: {rate_words(rate)}", "yellow"))


def rate_words(rate: Rate) -> str:
    """A rate with its band and where it comes from."""
    low, high = sorted((rate.low, rate.high))
    day = f", {rate.seen.isoformat()}" if rate.seen else ""
    return f"{rate.name} = {rate.value:g} ({low:g} to {high:g}) {rate.unit}: {rate.source}{day}"


def _stage_table(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    for name, where in (("stage", "left"), ("likely", "right"), ("between", "right"), ("cost", "right")):
        table.add_column(name, justify="left" if where == "left" else "right")
    for stage in plan.stages:
        band = f"{duration(stage.low_s)} and {duration(stage.high_s)}"
        table.add_row(_STAGES[stage.name], duration(stage.seconds), band, _usd(stage.usd))
    band = f"{duration(plan.low_s)} and {duration(plan.high_s)}"
    table.add_row(Text("until all is published", "bold"), duration(plan.wall_s), band, _usd(plan.usd))
    return table


def _lines(plan: Plan, one_more: Plan | None) -> list[tuple[str, str]]:
    lines = [("waits for", _WAITS[plan.bottleneck])]
    if plan.missing_prices:
        lines.append(("cost", f"not known: no price for {', '.join(plan.missing_prices)} (--prices, docs/plan.md)"))
    elif plan.usd and plan.low_usd is not None and plan.high_usd is not None:
        each = f"{dollars(plan.usd / plan.work.n_firms)} a firm"
        each += f", {dollars(1000 * plan.usd / plan.work.n_topics)} per 1,000 topics"
        lines.append(
            ("cost", f"{dollars(plan.usd)}, between {dollars(plan.low_usd)} and {dollars(plan.high_usd)}; {each}")
        )
    if plan.tokens_usd is not None:
        lines.append(("tokens", f"{dollars(plan.tokens_usd)} of that"))
    if one_more is not None:
        saved = plan.wall_s - one_more.wall_s
        words = f"{duration(abs(saved))} {'less' if saved >= 0 else 'more'}"
        if plan.usd is not None and one_more.usd is not None:
            more = one_more.usd - plan.usd
            words += f", {dollars(abs(more))} {'more' if more >= 0 else 'less'}"
        grown = next(more.name for was, more in zip(plan.fleet.nodes, one_more.fleet.nodes, strict=True) if more != was)
        lines.append(("one more", f"{grown}: {words}"))
    return lines


def _usd(usd: float | None) -> str:
    return "?" if usd is None else dollars(usd)
