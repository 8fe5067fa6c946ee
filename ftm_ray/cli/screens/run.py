"""The screen of `ftm run`: counts that add up, who named the topics, and where the outputs lie."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from ftm_ray.cli.progress import duration
from ftm_ray.cli.screens.cost import cost_line
from ftm_ray.cli.screens.shapes import console, counted, fields, ftm_command
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.vectors import SENTENCE_VECTORS

_NO_LLM = (
    "no LLM: topics are named by keywords and their most central sentence, marked summary_source='keywords'. "
    "--llm serve or --llm URL has an LLM name them"
)

#: Numbers between 0 and 1 about names, and what they are called; a run of an earlier version has none.
_NAMING_SHARES = {
    "distinct_labels": "of the labels differ",
    "support_auc": "support (AUC; 0.5 is chance)",
    "theme_support_auc": "support of the themes",
}


def show_run(record: Mapping[str, Any], root: str, already_done: bool) -> None:
    """What a run did, where its outputs lie, and what to do next."""
    out = console()
    quarter = record["quarter"]
    took = sum(record["seconds"].get(name, 0.0) for name in ("start", "llm", "map", "reduce"))
    state = "was done already, nothing to do" if already_done else f"is done, in {duration(took)}"
    out.print(Text(f"{quarter} {state} (run {record['run_id']})", "bold"))
    out.print(fields(run_lines(record)))
    if not record["counts"]["n_topics"]:
        out.print(
            Text("No topic was found: are these the right transcripts? `ftm status` shows the coverage.", "yellow")
        )
    out.print(Text("\nOutputs", "bold"))
    print_outputs(out, record, root)
    out.print(Text("\nNext", "bold"))
    first = f"{quarter}-0001" if record["quality"]["n_themes"] else "THEME_ID"
    reading = [] if record["llm"] is None else [f"llm read {quarter}"]  # a number is no proof of good names
    for command in (f"themes {quarter}", f"trace {first}", f"verify {quarter}", *reading):
        out.print(Text(ftm_command(command, root)), soft_wrap=True)  # one line, so that it can be copied


def run_lines(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Counts that add up, and quality, of a finished run."""
    counts, quality = record["counts"], record["quality"]
    in_invalid = sum(counts["n_topics_in_invalid"].values())
    return [
        (
            "firms",
            f"{counts['n_firms']:,} = {counts['n_done']:,} done + {counts['n_failed']:,} failed "
            f"+ {counts['n_skipped']:,} skipped",
        ),
        (
            "sentences",
            f"{counts['n_sentences']:,} = {counts['n_in_topics']:,} in topics + {counts['n_outliers']:,} outliers "
            f"+ {counts['n_dropped']:,} left out",
        ),
        (
            "topics",
            f"{counts['n_topics']:,} = {counts['n_topics_in_themes']:,} in themes + "
            f"{counts['n_topics_outliers']:,} like no others + {in_invalid:,} in clusters that are no theme",
        ),
        ("themes", _themes_words(quality)),
        *([("stability", _stability_words(quality))] if quality.get("theme_stability") else []),
        ("named by", _naming_words(record)),
        *([("asked", _asked_words(record["llm"]))] if record["llm"] else []),
        ("quality", _quality_words(quality)),
        *_vectors_line(record["files"]),
        *([("cost", line)] if (line := cost_line(record)) is not None else []),
    ]


def _vectors_line(files: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How much the kept vectors take; nothing where none are kept."""
    kept = [file for path, file in files.items() if path.startswith(f"processed/{SENTENCE_VECTORS}/")]
    if not kept:
        return []
    n_rows, n_bytes = sum(file["rows"] for file in kept), sum(file["bytes"] for file in kept)
    return [("vectors", f"of {n_rows:,} sentences, {n_bytes / 1e6:,.1f} MB, for `ftm search --in sentences`")]


def _naming_words(record: Mapping[str, Any]) -> str:
    if record["llm"] is None:
        return _NO_LLM
    naming, model = record["naming"], record["config"]["llm"]["model"]
    parts = [f"{naming['n_llm']:,} topics by {model}", f"{naming['n_keywords']:,} by keywords"]
    parts += [f"{naming['n_names_firm']:,} names hold a firm or person"] if naming["n_names_firm"] else []
    parts += [f"{naming['n_numbered_labels']:,} theme labels told apart by a number"] * bool(
        naming["n_numbered_labels"]
    )
    parts += [f"{naming['n_unsupported']:,} hold a name that nobody said"] * bool(naming.get("n_unsupported"))
    parts += [f"{naming[name]:.2f} {words}" for name, words in _NAMING_SHARES.items() if naming.get(name) is not None]
    return ", ".join(parts)


def _asked_words(llm: Mapping[str, Any]) -> str:
    """What this run asked the LLM, by phase."""
    return "; ".join(f"{phase}: {_account_words(llm[phase])}" for phase in ("topics", "themes"))


def _account_words(account: Mapping[str, Any]) -> str:
    if not account["n_questions"]:
        return "nothing"
    parts = [counted(account["n_questions"], "question"), counted(account["n_requests"], "request")]
    parts += [f"{account['n_remembered']:,} remembered"] if account["n_remembered"] else []
    parts += [f"{account['n_retries']:,} tried again"] if account["n_retries"] else []
    parts += [f"{account['n_again']:,} refused once"] if account["n_again"] else []
    if account["n_requests"]:
        parts.append(f"{account['prompt_tokens']:,} tokens in ({account['cached_tokens']:,} cached)")
        parts.append(f"{account['completion_tokens']:,} out")
        parts.append(f"{account['request_s'] / account['n_requests']:.2f} s a request")
    parts += [f"{outcome} {n:,}" for outcome, n in sorted(account["outcomes"].items()) if outcome != "named"]
    return ", ".join(parts)


def _themes_words(quality: Mapping[str, Any]) -> str:
    if not quality["n_themes"]:
        return "0: no group of topics is shared by enough firms"
    words = {"subject": "subjects", "results": "talk of results", "vague": "vague"}
    kinds = ", ".join(f"{n} {words[kind]}" for kind, n in (quality.get("theme_kinds") or {}).items())
    middle = f"with {quality['median_firms_per_theme']:g} firms in the middle one"
    groups = f", in {quality['n_theme_groups']} groups" if quality.get("n_theme_groups") else ""
    return f"{quality['n_themes']:,}{f' ({kinds})' if kinds else ''}, {middle}{groups}"


def _stability_words(quality: Mapping[str, Any]) -> str:
    """Themes by how they stand other seeds, and how well two seeds agree on the whole."""
    counts = quality["theme_stability"]
    order = ("highly_stable", "stable", "doubtful", "unstable")
    words = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in order if counts.get(name))
    return f"{words}; two single fits agree to {quality['seeds_ari']:.2f} (adjusted Rand index)"


def _quality_words(quality: Mapping[str, Any]) -> str:
    names = {
        "npmi_coherence": "coherence (NPMI)",
        "topic_diversity": "diversity",
        "topics_per_firm": "topics per firm",
        "outlier_ratio": "outliers",
        "theme_coverage": "topics in themes",
        "theme_cohesion": "theme cohesion",
    }
    shares = {"outlier_ratio", "theme_coverage"}
    known = {name: value for name in names if (value := quality.get(name)) is not None}
    return ", ".join(
        f"{names[name]} {value:.0%}" if name in shares else f"{names[name]} {value:.3g}"
        for name, value in known.items()
    )


def print_outputs(out: Console, record: Mapping[str, Any], root: str) -> None:
    """Where the published files lie, each path on one line, so that it can be copied."""
    lake, quarter, files = Lake(root), record["quarter"], record["files"]
    tables = sorted({path.split("/")[1] for path in files if path.startswith("processed/")})
    sentiment = next((path for path in files if path.startswith("sentiment-ready/")), None)
    places = {
        "tables": lake.full_path(f"processed/{{{','.join(tables)}}}/quarter={quarter}/"),
        "per stock": lake.full_path(sentiment) if sentiment else str(record["sentiment_ready"]),
        "record": lake.full_path(lake.run_file(quarter, record["run_id"])),
    }
    for name, place in places.items():
        out.print(Text.assemble((f"{name:<11}", "dim"), place), soft_wrap=True)
