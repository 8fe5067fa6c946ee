"""The screen of `ftm llm compare`: how two LLMs did on the same topics."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ftm_ray.cli.screens.shapes import console, counted, fields
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.compare_result import COMPARED, Comparison, shown_value


def show_comparison(comparison: Comparison, root: str) -> None:
    """How two LLMs did on the same topics, and where the texts stand."""
    out = console()
    out.print(Text(f"{comparison.quarter}: two LLMs name {counted(comparison.n_topics, 'topic')}", "bold"))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    for letter, side in (("a", comparison.a), ("b", comparison.b)):
        table.add_column(f"{letter}: {side.model}", overflow="fold")
    for name, words in COMPARED.items():
        table.add_row(words, *(shown_value(getattr(side, name)) for side in (comparison.a, comparison.b)))
    out.print(table)
    lines = [("cosine of the two summaries, mean", shown_value(comparison.mean_summaries_cosine))]
    lake = Lake(root)
    paths = [("page", lake.full_path(comparison.page)), ("table", lake.full_path(comparison.table))]
    out.print(fields([*lines, *paths]))
