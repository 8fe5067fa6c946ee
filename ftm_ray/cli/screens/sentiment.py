"""The screen of `ftm sentiment`: what was counted, how themes sound, and where the tables lie."""

import shlex
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rich.text import Text

from ftm_ray.cli.progress import duration
from ftm_ray.cli.screens.shapes import console, fields, ftm_command
from ftm_ray.lake.storage import Lake
from ftm_ray.results.query import open_results

#: A theme's mean score over the sentences of all its calls.
_TONES = """
    SELECT theme_id, label, sum(s.n_sentences) AS n, sum(score * s.n_sentences) / sum(s.n_sentences) AS mean_score
    FROM theme_sentiment s JOIN themes USING (quarter, theme_id)
    GROUP BY theme_id, label ORDER BY mean_score DESC, theme_id
"""

#: Themes of the best and of the worst tone that are listed.
_LISTED = 3


def show_sentiment(record: Mapping[str, Any], root: str, already_done: bool) -> None:
    """What was done, how themes sound, where the tables lie."""
    out, quarter, counts = console(), record["quarter"], record["counts"]
    took = duration(sum(record["seconds"].values()))
    state = "was done already, nothing to do" if already_done else f"is done, in {took}"
    out.print(Text(f"Sentiment of {quarter} {state} (run {record['run_id']})", "bold"))
    asked = 0 if already_done else counts["n_scored"]
    model = record["model"]
    revision = f", revision {model['revision']}" if model["revision"] else ""
    lines = [
        (
            "sentences",
            f"{counts['n_sentences']:,} in themes, {counts['n_texts']:,} different ones; {asked:,} asked now",
        ),
        ("model", f"{model['name']}{revision} ({', '.join(model['labels'].values())})"),
        ("word list", _word_list_words(record["word_list"])),
        *_tone_lines(root, quarter),
    ]
    out.print(fields(lines))
    lake = Lake(root)
    places = lake.full_path(f"processed/{{sentence_sentiment,theme_sentiment}}/quarter={quarter}/")
    out.print(Text.assemble(("tables     ", "dim"), places), soft_wrap=True)
    out.print(Text("\nNext", "bold"))
    out.print(Text(ftm_command(f"verify {quarter}", root)), soft_wrap=True)
    events = f"ftm events --root {shlex.quote(root)} --quarters {quarter} --returns FILE"
    out.print(Text(events), soft_wrap=True)


def _word_list_words(words: Mapping[str, Any] | None) -> str:
    if words is None:
        return "none (--lm counts the words of one)"
    return ", ".join(name.removeprefix("lm_").replace("_", " ") for name in words["columns"])


def _tone_lines(root: str, quarter: str) -> list[tuple[str, str]]:
    themes: pa.Table = open_results(root, quarter).sql(_TONES).to_arrow_table()
    rows = themes.to_pylist()
    if not rows:
        return []
    ends = [("best", rows[:_LISTED]), ("worst", rows[::-1][:_LISTED])]
    return [
        (f"{name} tone", "; ".join(f"{row['label']} {row['mean_score']:+.2f} ({row['n']:,})" for row in listed))
        for name, listed in ends
    ]
