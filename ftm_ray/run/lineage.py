"""The registry, one published quarter after the other: read, compare with the past, add rows.

It runs when quarters are published, apart from their runs: what a run publishes depends on no other quarter, and what
happened later never changes what was known.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ftm_ray.config import RunConfig, ThemeSettings, llm_api_key
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.history.edges import has_little_flow
from ftm_ray.history.gate import Gate, find_gate, sibling_cosines, twin_cosines
from ftm_ray.history.names import Doubt, Judge, by_the_quarter
from ftm_ray.history.next_quarter import NamedTheme, Past, QuarterRows, next_rows, with_names
from ftm_ray.history.registry import Entry, all_entries, current_entries, read_entry, write_entry
from ftm_ray.history.theme_set import NO_THEME, ThemeSet, theme_centers
from ftm_ray.lake.calendar import quarter_name, quarter_number
from ftm_ray.lake.locks import quarter_lock
from ftm_ray.lake.published_rows import PublishedRows, read_columns
from ftm_ray.lake.runs import published_record, published_run_id
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.naming.name_keeping import NameKeeper
from ftm_ray.naming.prompts import KeepQuestion
from ftm_ray.schemas.parts import SummarySource
from ftm_ray.themes.fits import Fit, fit_data, fit_labels
from ftm_ray.themes.scaling import MIN_TOPICS
from ftm_ray.vectors.unit_vectors import vectors_of

#: Splits of the firms into halves that twins are looked for in; one is enough where there are many themes.
_SPLITS, _SPLITS_OF_MANY, _MANY_TOPICS = 4, 1, 20_000


@dataclass(frozen=True, slots=True)
class LineageStep:
    """What one quarter added.

    Attributes:
        quarter: Such as 2023Q1.
        version: Of the registry.
        added: Whether rows were written; False = it had been there already.
        edges: How many rows of each edge.
        namings: How many themes came to their names in each way (history/names.py).
        n_little_flow: How many themes go on though little of their firms' talk does (history/edges.py).
        gate: What two themes had to reach; None in the first quarter, and where nothing was added.
        redone: Whether the quarter was there, of another run or before it.
    """

    quarter: str
    version: int
    added: bool
    edges: dict[str, int]
    namings: dict[str, int]
    n_little_flow: int
    gate: Gate | None = None
    redone: bool = False


def extend_lineage(
    root: str, quarters: Sequence[str], over_gaps: bool = False, config: RunConfig | None = None
) -> list[LineageStep]:
    """Add published quarters to the registry under ROOT.

    A quarter that is there already, of the same run, is left as it is. One that was published anew, or lies before the
    registry's first, is linked again with all quarters after it, as a new version.

    Args:
        root: A folder or s3://bucket/prefix.
        quarters: Such as 2023Q1; in any order.
        over_gaps: Link a quarter to one that is not the quarter before it.
        config: Whose LLM says whether the name of a theme that has moved still fits; None or endpoint none = such a
            theme gets the name of its quarter.

    Returns:
        One step per quarter that was looked at, in their order.

    Raises:
        SourceError: A quarter is not published, or a quarter before it is missing or was published anew.
        ConfigError: It was made with another encoder than the registry.
        RetryableError: The LLM did not answer; the quarter at hand was not linked.
    """
    lake = Lake(root)
    options = _Options(over_gaps, config if config and config.llm.endpoint not in (None, "none") else None)
    steps: list[LineageStep] = []
    with quarter_lock(lake, "lineage", "lineage"):
        waiting = sorted(set(quarters))
        while waiting:
            quarter = waiting.pop(0)
            entries = all_entries(lake)
            step = _add(lake, quarter, entries, options)
            steps.append(step)
            if step.redone:
                waiting = sorted({*waiting, *(e.quarter for e in current_entries(entries) if e.quarter > quarter)})
    return steps


@dataclass(frozen=True, slots=True)
class _Options:
    over_gaps: bool
    config: RunConfig | None  # None = no LLM is asked


def _add(lake: Lake, quarter: str, entries: list[Entry], options: _Options) -> LineageStep:
    record = published_record(lake, quarter)
    run_id = record["run_id"]
    current = current_entries(entries)
    there = next((entry for entry in current if entry.quarter == quarter), None)
    is_whole = there is not None and lake.exists(there.path("attention"))
    if there is not None and is_whole and _run_of(lake, there) in (run_id, None):
        rows = read_entry(lake, "lineage", there)
        return LineageStep(quarter, there.version, False, *_counts(rows))
    newest = max((entry.version for entry in entries), default=1)
    is_inside = bool(current) and quarter <= current[-1].quarter
    entry = Entry(quarter, newest + 1 if is_inside else newest)
    redone = is_inside or any(entry.quarter == quarter for entry in entries)
    before = [known for known in current if known.quarter < quarter]
    _check_past(lake, quarter, before, options.over_gaps)
    made, gate = _rows(lake, entry, before, ThemeSettings(**record["config"]["themes"]), options)
    write_entry(lake, entry, {"lineage": made.lineage, "attention": made.attention}, run_id)
    return LineageStep(quarter, entry.version, True, *_counts(made.lineage), gate, redone)


def _rows(
    lake: Lake, entry: Entry, before: list[Entry], settings: ThemeSettings, options: _Options
) -> tuple[QuarterRows, Gate | None]:
    read = cache(lambda quarter: read_theme_set(lake, quarter))
    new = read(entry.quarter)
    lineage = [row for known in before for row in read_entry(lake, "lineage", known)]
    attention = [row for known in before for row in read_entry(lake, "attention", known)]
    if lineage and lineage[-1]["encoder"] != new.encoder:
        raise ConfigError(
            f"{entry.quarter} was run with the encoder '{new.encoder}', the registry in {lake.root} with "
            f"'{lineage[-1]['encoder']}': their vectors cannot be compared; use one ROOT per encoder"
        )
    gate = quarter_gate(new, settings) if before else None
    past = Past(lineage, attention)
    made = next_rows(new, past, read, gate.cosine if gate else None, entry.version)
    old = cache(lambda quarter: _named_themes(lake, quarter))  # of any quarter of before: its topics are not kept
    judge = _judge(lake, new, options.config) if options.config else by_the_quarter
    return with_names(made, new, past, lambda quarter, theme_id: old(quarter)[theme_id], judge), gate


def _named_themes(lake: Lake, quarter: str) -> dict[str, NamedTheme]:
    themes = read_theme_set(lake, quarter)
    labels = zip(themes.labels, themes.is_named_by_keywords, strict=True)
    made_of_keywords = [label if is_by_keywords else None for label, is_by_keywords in labels]
    return dict(zip(themes.theme_ids, map(NamedTheme, themes.centers, made_of_keywords), strict=True))


def _judge(lake: Lake, new: ThemeSet, config: RunConfig) -> Judge:
    """The LLM, which sees of each theme in doubt what the quarter's run says of it."""
    answers = AnswerStore(lake, new.quarter, config.model_variant())
    keeper = NameKeeper(config.llm, llm_api_key(config.llm), answers)
    themes = read_columns(lake, "themes", new.quarter, ["keywords", "description"]).to_pylist()

    def fit(doubts: Sequence[Doubt]) -> list[bool]:
        about = [themes[doubt.place] for doubt in doubts]
        return keeper.judge(
            [
                KeepQuestion(doubt.old_label, doubt.label, tuple(theme["keywords"]), theme["description"])
                for doubt, theme in zip(doubts, about, strict=True)
            ]
        )

    return fit


def quarter_gate(themes: ThemeSet, settings: ThemeSettings) -> Gate:
    """The gate of a quarter: halves of its firms are clustered apart, with fixed seeds.

    Args:
        themes: Of the quarter.
        settings: Those of its run.
    """
    firms = np.unique(themes.firm_ids)
    twins = []
    for number in range(_SPLITS_OF_MANY if len(themes.firm_ids) > _MANY_TOPICS else _SPLITS):
        seed = settings.random_state + number
        half = np.random.default_rng(seed).permutation(firms)[: len(firms) // 2]
        in_half = np.isin(themes.firm_ids, half)
        halves = [_half_centers(themes, np.flatnonzero(rows), settings, seed) for rows in (in_half, ~in_half)]
        twins.append(twin_cosines(*halves))
    return find_gate(np.concatenate(twins), sibling_cosines(themes.centers))


def _half_centers(themes: ThemeSet, rows: np.ndarray, settings: ThemeSettings, seed: int) -> np.ndarray:
    vectors = themes.vectors[rows]
    if len(rows) < MIN_TOPICS:
        return vectors[:0]
    labels = fit_labels(fit_data(vectors, settings, use_gpu=False), Fit(seed))
    return theme_centers(vectors, labels, int(labels.max()) + 1)


def read_theme_set(lake: Lake, quarter: str) -> ThemeSet:
    """The themes of a published quarter with their topics.

    Raises:
        SourceError: Nothing is published, or its publication was not finished.
    """
    record = published_record(lake, quarter)
    topics = read_columns(lake, "topics", quarter, ["firm_id", "topic_id", "n_sentences", "embedding"])
    published = read_columns(lake, "themes", quarter, ["theme_id", "label", "keywords", "summary_source"])
    theme_ids = published["theme_id"].to_pylist()
    place = PublishedRows(lake, quarter, "themes", ((theme_id, number) for number, theme_id in enumerate(theme_ids)))
    inside = read_columns(lake, "theme_topics", quarter, ["theme_id", "firm_id", "topic_id"])
    theme_of = {(row["firm_id"], row["topic_id"]): place[row["theme_id"]] for row in inside.to_pylist()}
    keys = zip(topics["firm_id"].to_pylist(), topics["topic_id"].to_pylist(), strict=True)
    themes = np.array([theme_of.get(key, NO_THEME) for key in keys], dtype=np.int64)
    vectors = vectors_of(topics["embedding"])
    config = record["config"]
    text = json.dumps({"code": record["code_version"], "config": config}, sort_keys=True)
    return ThemeSet(
        quarter=quarter,
        run_id=record["run_id"],
        theme_ids=tuple(theme_ids),
        firm_ids=np.array(topics["firm_id"].to_pylist(), dtype=np.str_),
        themes=themes,
        n_sentences=topics["n_sentences"].to_numpy().astype(np.int64),
        vectors=vectors,
        centers=theme_centers(vectors, themes, len(theme_ids)),
        encoder=config["embed"]["model"].rstrip("/").rsplit("/", 1)[-1],
        settings_digest=hashlib.sha256(text.encode()).hexdigest()[:12],
        labels=tuple(published["label"].to_pylist()),
        keywords=tuple(map(tuple, published["keywords"].to_pylist())),
        is_named_by_keywords=tuple(
            source == SummarySource.KEYWORDS for source in published["summary_source"].to_pylist()
        ),
    )


def _check_past(lake: Lake, quarter: str, before: list[Entry], over_gaps: bool) -> None:
    """The quarters before this one are in the registry, and are those that are published."""
    for entry in before:
        if _run_of(lake, entry) not in (published_run_id(lake, entry.quarter), None):
            raise SourceError(
                f"{entry.quarter} was published anew since it was linked; give it first: ftm lineage {entry.quarter} "
                f"--root {lake.root}"
            )
    if before and not over_gaps and quarter_number(quarter) - quarter_number(before[-1].quarter) > 1:
        gap = range(quarter_number(before[-1].quarter) + 1, quarter_number(quarter))
        raise SourceError(
            f"{quarter} waits: the registry in {lake.root} ends with {before[-1].quarter}, and "
            f"{', '.join(quarter_name(number) for number in gap)} would be skipped; run and link what is missing, or "
            "link over the gap with --over-gaps"
        )


def _run_of(lake: Lake, entry: Entry) -> str | None:
    """The run whose themes an entry holds; None where it had none."""
    run_ids = lake.read_texts(entry.path("lineage"), "run_id")
    return run_ids[0] if run_ids else None


def _counts(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, int], dict[str, int], int]:
    """Of each edge, of each way to a name, and of themes that go on with little flow."""
    n_little_flow = sum(has_little_flow(row["edge"], row["flow_out"], row["flow_in"]) for row in rows)
    return _count(rows, "edge"), _count(rows, "naming"), n_little_flow


def _count(rows: Sequence[dict[str, Any]], column: str) -> dict[str, int]:
    """How often each value stands in a column; null is none."""
    values = [row[column] for row in rows if row.get(column) is not None]
    return {value: values.count(value) for value in dict.fromkeys(values)}
