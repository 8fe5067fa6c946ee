"""The screen of `ftm llm read`: names beside their sentences, worst first."""

from pathlib import Path

from rich.text import Text

from ftm_ray.cli.screens.shapes import console
from ftm_ray.results.names_read import NamesRead, ReadName

#: Sentences under a name; the page has all that the LLM was shown.
_N_SENTENCES = 3


def show_names(read: NamesRead, page: Path) -> None:
    """Print what a person should read before they trust the rest, and where the page lies."""
    out = console()
    out.print(Text(f"{read.quarter}: {len(read.names)} of {read.n_topics} names of topics, worst first", "bold"))
    out.print(Text("  ".join(f"{outcome} {n:,}" for outcome, n in read.outcomes.items()), "dim"))
    for name in read.names:
        out.print(_heading(name))
        for line in _lines(name):
            out.print(Text(f"  {line}"))
        out.print(Text(f"  {name.firm_name or name.firm_id}, topic {name.topic_id}: {', '.join(name.keywords)}", "dim"))
        for sentence in name.sentences[:_N_SENTENCES]:
            out.print(Text(f'    "{sentence}"', "dim"))
    out.print(Text(f"\nThe same with all sentences: {page}"), soft_wrap=True)


def _lines(name: ReadName) -> list[str]:
    """What was said: the text of a name, or label and text of a refused answer."""
    if name.text is not None:
        return [name.text]
    return [f'"{line}"' for line in name.refused_lines] or ["no answer"]


def _heading(name: ReadName) -> Text:
    if name.is_refused:
        return Text(f"\nrefused: {name.outcome}, {name.meaning}", "bold red")
    support = "" if name.support is None else f"  support {name.support:.2f}"
    unsaid = f"  nobody said: {', '.join(name.unsupported)}" if name.unsupported else ""
    return Text(f"\n{name.label}", "bold").append(f"{support}{unsaid}", "not bold yellow" if unsaid else "not bold dim")
