"""The screens of `ftm lineage`: what a quarter added, and the life of a theme."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ftm_ray.cli.screens.shapes import console, counted
from ftm_ray.history.edges import has_little_flow
from ftm_ray.results.theme_life import LifeQuarter, ThemeLife
from ftm_ray.run.lineage import LineageStep

#: Length of the bar of the quarter with most attention.
_BAR = 20

_WORDS = {
    "first_quarter": "first quarter of the registry",
    "survive": "went on",
    "split": "split off",
    "emerge": "new",
    "revived": "revived",
    "absorb": "absorbed",
    "dormant": "fell silent",
    "die": "died",
}


def show_steps(steps: Iterable[LineageStep]) -> None:
    """One line per quarter: what became of its themes and of those before."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for step in steps:
        edges = ", ".join(f"{n} {_WORDS[edge]}" for edge, n in step.edges.items()) or "no themes"
        notes = [] if step.added else ["linked before, unchanged"]
        notes += [f"again, as version {step.version}: what was there stays as it was"] if step.redone else []
        if step.gate is not None:
            basis = counted(step.gate.n_twins, "twin") if step.gate.n_twins else "too few twins: the usual one"
            notes.append(f"gate {step.gate.cosine:.2f} ({basis})")
            notes.append(f"names: {', '.join(f'{n} {naming}' for naming, n in step.namings.items())}")
        if step.n_little_flow:
            notes.append(f"{step.n_little_flow} went on with little flow: read them before you plot them")
        table.add_row(Text(step.quarter, "bold"), Group(Text(edges), Text("; ".join(notes), "dim")))
    console().print(table)


def show_life(life: ThemeLife) -> None:
    """Quarter by quarter: attention as a bar, names, firms, what it split from or took up, three sentences."""
    out = console()
    out.print(Text.assemble((life.theme_uid, "bold cyan"), f"  {counted(len(life.quarters), 'quarter')}"))
    most = max((quarter.firm_share for quarter in life.quarters), default=0.0)
    table = Table(show_header=False, show_lines=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for quarter in life.quarters:
        bar = "█" * max(1, round(_BAR * quarter.firm_share / most)) if most else ""
        share = f"{quarter.firm_share:.0%} of firms"
        table.add_row(
            Text(f"{quarter.quarter}\n").append(f"{quarter.theme_id}\n{bar}\n{share}", "dim"), _about(quarter)
        )
    out.print(table)
    for quarter_name, edge, into in life.ends:
        out.print(Text(f"{quarter_name}: {_WORDS[edge]}{f' by {into}' if into else ''}"))


def _about(quarter: LifeQuarter) -> RenderableType:
    words = [_WORDS[quarter.edge] + (f" from {quarter.parent_uid}" if quarter.parent_uid else "")]
    if quarter.cosine is not None and quarter.edge != "emerge":
        flows = [f"{flow:.0%}" for flow in (quarter.flow_out, quarter.flow_in) if flow is not None]
        words.append(f"cosine {quarter.cosine:.2f}" + (f", flow {' out, '.join(flows)} in" if len(flows) == 2 else ""))
    if has_little_flow(quarter.edge, quarter.flow_out, quarter.flow_in):
        words.append("little flow: read both sides")
    if quarter.change is not None:
        words.append(f"attention {quarter.change:+.1%}")
    if quarter.quarter_label != quarter.label:
        words.append(f"name {quarter.naming}; in this quarter alone: {quarter.quarter_label}")
    words += [f"split off: {', '.join(quarter.split_into)}"] if quarter.split_into else []
    words += [f"took up: {', '.join(quarter.absorbed)}"] if quarter.absorbed else []
    firms = ", ".join(firm.firm_name or firm.firm_id for firm in quarter.top_firms[:5])
    more = quarter.n_firms - min(5, len(quarter.top_firms))
    lines: list[RenderableType] = [Text(quarter.label, "bold cyan"), Text("; ".join(words), "dim")]
    lines.append(Text(firms + (f" and {more} more" if more > 0 else "")))
    lines += [
        Text.assemble(f"“{sentence.text}”", (f" {sentence.firm.firm_name or sentence.firm.firm_id}", "dim"))
        for sentence in quarter.sentences
    ]
    return Group(*lines)
