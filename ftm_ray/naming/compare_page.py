"""The page of a comparison: one HTML file without anything from elsewhere, that a colleague can open and read."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ftm_ray.naming.compare_result import COMPARED, Comparison, SideSummary, shown_value

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { border-top: 1px solid #ccc; padding: .5em; text-align: left;
vertical-align: top } h2 { font-size: 1em; margin: 2em 0 .3em } .dim { color: #666; font-size: .9em } td { width: 50% }
.nearer { background: #eef6ee } li { margin: .15em 0 } table.sizes td, table.sizes th { width: auto }
"""


def comparison_page(comparison: Comparison, rows: Sequence[Mapping[str, Any]]) -> str:
    """The comparison as HTML. All text comes from transcripts or LLMs and is escaped.

    Args:
        comparison: Both sides over all topics.
        rows: Topic by topic, with the columns of LLM_COMPARISON.
    """
    title = f"{comparison.quarter}: {comparison.a.model} and {comparison.b.model} name {comparison.n_topics} topics"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f"<h1>{escape(title)}</h1>",
            _sizes(comparison),
            '<p class="dim">Green: the summary whose embedding is nearer to the mean of the topic\'s sentences. This '
            "favours words of the call over good generalising: it says where to look, not who won.</p>",
            *(_topic(row) for row in rows),
            "</html>",
        ]
    )


def _sizes(comparison: Comparison) -> str:
    head = f"<tr><th><th>a: {escape(comparison.a.model)}<th>b: {escape(comparison.b.model)}"
    lines = [
        f"<tr><td>{name}<td>{_value(comparison.a, field)}<td>{_value(comparison.b, field)}"
        for field, name in COMPARED.items()
    ]
    both = f"<tr><td>cosine of the two summaries, mean<td colspan=2>{shown_value(comparison.mean_summaries_cosine)}"
    return f'<table class="sizes">{head}{"".join(lines)}{both}</table>'


def _value(side: SideSummary, field: str) -> str:
    return escape(shown_value(getattr(side, field)))


def _topic(row: Mapping[str, Any]) -> str:
    sentences = "".join(f"<li>{escape(text)}" for text in row["sentences"])
    head = f"{row['firm_name'] or row['firm_id']}, topic {row['topic_id']}: {', '.join(row['keywords'])}"
    answers = "".join(_answer(row, side) for side in "ab")
    alike = f'<p class="dim">cosine of the two summaries {shown_value(row["summaries_cosine"])}</p>'
    return (
        f"<h2>{escape(head)}</h2><details><summary>{len(row['sentences'])} sentences</summary><ul>{sentences}</ul>"
        f"</details><table><tr>{answers}</table>{alike}"
    )


def _answer(row: Mapping[str, Any], side: str) -> str:
    mark = ' class="nearer"' if row["nearer"] == side else ""
    if row[f"{side}_label"] is None:
        return f"<td{mark}><i>no answer: {escape(row[f'{side}_outcome'])}</i>"
    flag = ", names the firm or a person" if row[f"{side}_names_firm"] else ""
    sizes = (
        f"{row[f'{side}_seconds']:.2f} s, {row[f'{side}_completion_tokens']} tokens, "
        f"cosine to the sentences {shown_value(row[f'{side}_to_sentences'])}{flag}"
    )
    label, summary = escape(row[f"{side}_label"]), escape(row[f"{side}_summary"])
    return f'<td{mark}><b>{label}</b><br>{summary}<p class="dim">{sizes}</p>'
