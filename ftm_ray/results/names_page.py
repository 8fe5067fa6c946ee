"""The names of a quarter as one HTML file without anything from elsewhere, to open from disk and read from the top."""

from html import escape

from ftm_ray.results.names_read import NamesRead, ReadName

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; color: #222 }
article { border-top: 1px solid #ccc; padding: .8em 0 } h2 { font-size: 1em; margin: 0 } p { margin: .3em 0 }
.dim { color: #595959; font-size: .9em } .refused h2 { color: #a11212 } li { margin: .15em 0 }
code { white-space: pre-wrap; overflow-wrap: anywhere }
"""


def names_page(read: NamesRead) -> str:
    """The names as HTML. All text comes from transcripts or LLMs and is escaped; no script may run.

    Args:
        read: Names, worst first.
    """
    title = f"{read.quarter}: {len(read.names)} of {read.n_topics} names of topics, worst first"
    endings = ", ".join(f"{outcome} {n:,}" for outcome, n in read.outcomes.items())
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}</h1>",
            f'<p class="dim">How all questions ended: {escape(endings)}. Map {escape(read.map_id)}.</p>',
            *(_article(name) for name in read.names),
            "</main></body></html>",
        ]
    )


def _article(name: ReadName) -> str:
    firm = escape(name.firm_name or name.firm_id)
    keywords = escape(", ".join(name.keywords))
    sentences = "".join(f"<li>{escape(text)}" for text in name.sentences)
    return (
        f'<article class="{"refused" if name.is_refused else "named"}">{_answer(name)}'
        f'<p class="dim">{firm}, topic {name.topic_id}. Keywords: {keywords}. Its sentences:</p>'
        f"<ul>{sentences}</ul></article>"
    )


def _answer(name: ReadName) -> str:
    if name.is_refused:
        lines = "".join(f"<p><q>{escape(line)}</q></p>" for line in name.refused_lines)
        return f"<h2>refused: {escape(name.outcome)}, {escape(name.meaning)}</h2>{lines or '<p>no answer</p>'}"
    support = "" if name.support is None else f"support {name.support:.2f}"
    unsaid = f"nobody said: {', '.join(name.unsupported)}" if name.unsupported else ""
    facts = escape(", ".join(fact for fact in (support, unsaid) if fact))
    return f'<h2>{escape(name.label or "")}</h2><p>{escape(name.text or "")}</p><p class="dim">{facts}</p>'
