"""The screen of `ftm search`: what was found, best first, each with its places in the two orders and the way on."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ftm_ray.cli.screens.shapes import console, counted
from ftm_ray.results.search.hits import Hit, SearchAnswer

#: Summaries by keywords hold a whole sentence, which may be long.
_TEXT_CHARACTERS = 300


def show_hits(found: SearchAnswer) -> None:
    """One row a hit; the command to go on below each, on a line of its own."""
    out = console()
    where = f"{found.n_searched:,} {found.among} of {', '.join(found.quarters)}"
    if not found.hits:
        out.print(Text(f"Nothing in {where} is about this; fewer filters or other words may find something."))
        return
    out.print(Text(f"{counted(len(found.hits), 'hit')} in {where}, best first", "bold"))
    if found.by == "topics":
        out.print(
            Text(
                "These sentences have no vectors of their own (`ftm run --keep-vectors` keeps them): "
                "they are ranked by their topics and by words.",
                "dim",
            )
        )
    for hit in found.hits:
        out.print()
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, justify="right")
        table.add_column(overflow="fold")
        table.add_row(Text(f"{hit.rank}.", "bold"), _about(hit))
        out.print(table)
        out.print(Text(f"    {hit.trace}", "dim"), soft_wrap=True)  # one line, so that it can be copied


def _about(hit: Hit) -> RenderableType:
    lines: list[RenderableType] = []
    if hit.label:
        theme_id = f"{hit.theme_id}  " if hit.topic_id is None else ""
        lines.append(Text.assemble(theme_id, (hit.label, "bold cyan")))
    lines.append(Text(_shortened(hit.text) if hit.sentence_id is None else f"“{hit.text}”"))
    lines.append(Text(", ".join([*_who(hit), *_sizes(hit)]), "dim"))
    if hit.sentence_id is not None or hit.topic_id is not None:
        lines.append(Text(f"theme {hit.theme_id}: {hit.theme_label}" if hit.theme_id else "in no theme", "dim"))
    lines.append(Text(_places(hit), "dim"))
    return Group(*lines)


def _who(hit: Hit) -> list[str]:
    firm = hit.firm_name or hit.firm_id
    parts = [hit.speaker_name, firm, str(hit.call_date) if hit.call_date else None]
    topic = f"topic {hit.topic_id}" if hit.topic_id is not None and hit.sentence_id is None else None
    return [part for part in (*parts, topic, hit.quarter) if part]


def _sizes(hit: Hit) -> list[str]:
    sizes = [counted(hit.n_firms, "firm")] if hit.n_firms is not None else []
    return [*sizes, *([counted(hit.n_sentences, "sentence")] if hit.n_sentences is not None else [])]


def _places(hit: Hit) -> str:
    """Places and no scores: a cosine of a short question says little by itself."""
    meaning = f"{hit.vector_rank:,}. by meaning" if hit.vector_rank else "not among the first by meaning"
    words = f"{hit.word_rank:,}. by words" if hit.word_rank else "not among the first by words"
    return f"{meaning}, {words}"


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_CHARACTERS else f"{text[:_TEXT_CHARACTERS].rsplit(' ', 1)[0]} ..."
