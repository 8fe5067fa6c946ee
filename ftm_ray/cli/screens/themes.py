"""The screens of `ftm themes` and `ftm trace`: themes, their topics, and what was spoken."""

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ftm_ray.cli.screens.shapes import console, counted, fields
from ftm_ray.results.published import FirmName, SpokenSentence
from ftm_ray.results.theme_list import ThemeLine, ThemeList
from ftm_ray.results.theme_trace import ThemeTrace, TopicTrace
from ftm_ray.schemas.parts import SummarySource
from ftm_ray.themes.kind import ThemeKind

#: Where a theme comes from, where that is worth a word.
_EDGES = {"emerge": "new", "revived": "revived", "split": "split off"}

#: More firms than this are counted, not named.
_NAMED_FIRMS = 5


def show_themes(found: ThemeList) -> None:
    """Subjects first: size and stability on the left, what they are about on the right."""
    out = console()
    if not found.themes:
        out.print(f"{found.quarter} has no themes: no group of topics is shared by enough firms.")
        return
    n, n_all = len(found.themes), found.n_themes
    which = f"{n} of {n_all} themes" if n < n_all else counted(n_all, "theme")
    order = ", by surprise" if found.by == "surprise" else ""
    title = f"{found.quarter}: {which}{_kinds_words(found)}{order}"
    table = Table(title=title, title_justify="left", show_header=False, show_lines=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for theme in found.themes:
        facts = [*_sizes(theme), *_stability_words(theme), *_history_words(theme)]
        table.add_row(Text(f"{theme.theme_id}\n").append("\n".join(facts), "dim"), _about(theme))
    out.print(table)
    _print_who_named(out, found.themes)


def show_trace(trace: ThemeTrace) -> None:
    """A theme, its topics from the most typical on, and what was said."""
    out = console()
    theme = trace.theme
    out.print(Text.assemble(f"{theme.theme_id}  ", (theme.label, "bold cyan")))
    if theme.summary_source == SummarySource.LLM:
        out.print(Text(theme.description))
    size = ", ".join([*_sizes(theme), *_stability_words(theme)])
    out.print(fields([("keywords", ", ".join(theme.keywords)), ("size", size)]))
    for topic in trace.topics:
        out.print()
        out.print(_topic(topic))
    out.print()
    _print_who_named(out, [theme])


def _sizes(theme: ThemeLine) -> list[str]:
    return [counted(theme.n_firms, "firm"), counted(theme.n_topics, "topic"), counted(theme.n_sentences, "sentence")]


def _stability_words(theme: ThemeLine) -> list[str]:
    """How the theme stands other seeds, in a word; and that it is no subject, where it is none."""
    words = [theme.stability.replace("_", " ")] if theme.stability else []
    return [*words, *([f"kind: {theme.kind}"] if theme.kind not in (None, ThemeKind.SUBJECT.value) else [])]


def _history_words(theme: ThemeLine) -> list[str]:
    """That a theme is new or came back, and how its attention changed."""
    words = [_EDGES[theme.edge]] if theme.edge in _EDGES else []
    return [*words, *([f"attention {theme.change:+.0%}"] if theme.change is not None else [])]


def _kinds_words(found: ThemeList) -> str:
    """How many themes are of each kind: those that are not shown are counted all the same."""
    words = {"subject": "subjects", "results": "talk of results", "vague": "vague"}
    parts = [f"{n} {words[kind]}" for kind, n in found.n_of_kind.items() if n]
    return f" ({', '.join(parts)})" if parts else ""


def _about(theme: ThemeLine) -> RenderableType:
    parts: list[RenderableType] = [Text(theme.label, "bold cyan")]
    if theme.summary_source == SummarySource.LLM:
        parts.append(Text(theme.description))
    named, more = theme.top_firms[:_NAMED_FIRMS], theme.n_firms - _NAMED_FIRMS
    firms = ", ".join(_firm_name(firm) for firm in named) + (f" and {more} more" if more > 0 else "")
    lines: list[tuple[str, str | Text]] = [("keywords", ", ".join(theme.keywords)), ("firms", firms)]
    if theme.quarter_label and theme.quarter_label != theme.label:
        lines.append(("this quarter", theme.quarter_label))
    if theme.group_label:
        lines.append(("group", theme.group_label))
    if theme.example:
        lines.append(("example", _quote(theme.example, with_firm=True)))
    return Group(*parts, fields(lines))


def _topic(topic: TopicTrace) -> RenderableType:
    firm, shown = topic.firm, len(topic.sentences)
    ids = [*([firm.firm_id] if firm.firm_name else []), *([f"PERMNO {firm.permno}"] if firm.permno is not None else [])]
    count = counted(topic.n_sentences, "sentence")
    head = Text.assemble(
        (_firm_name(firm), "bold"),
        (f" ({', '.join(ids)})" if ids else "", "dim"),
        f"\ntopic {topic.topic_id}: {topic.label}",
        (f"\n{shown} of {count}" if shown < topic.n_sentences else f"\n{count}", "dim"),
        (f", similarity to the theme {topic.similarity:.2f}", "dim"),
    )
    return Group(head, *(Padding(_quote(sentence), (0, 0, 0, 2)) for sentence in topic.sentences))


def _quote(sentence: SpokenSentence, with_firm: bool = False) -> Text:
    """A sentence with who said it and when."""
    speaker = [sentence.speaker_name, sentence.speaker_type if sentence.speaker_type != sentence.speaker_name else None]
    by = [part for part in speaker if part] + ([_firm_name(sentence.firm)] if with_firm else [])
    return Text.assemble(f"“{sentence.text}”", (f" {', '.join([*by, str(sentence.call_date)])}", "dim"))


def _firm_name(firm: FirmName) -> str:
    return firm.firm_name or firm.firm_id


def _print_who_named(out: Console, themes: Iterable[ThemeLine]) -> None:
    if any(theme.summary_source != SummarySource.LLM for theme in themes):
        out.print(Text("Named by keywords, not by a language model (summary_source='keywords').", "dim"))
