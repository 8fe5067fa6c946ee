"""The sentiment of a published quarter: its theme sentences -> model -> parts -> two tables -> sentiment.json.

Ray is started only where a text is not known yet. The record lies beside run.json of the run whose themes it is about,
and is written last: no table counts without it, and none when other themes are published since.
"""

import logging
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ftm_ray.config import RunConfig
from ftm_ray.environment import ray_address
from ftm_ray.errors import ConfigError, DamagedError
from ftm_ray.lake.locks import QuarterLock, quarter_lock
from ftm_ray.lake.published_files import write_published
from ftm_ray.lake.runs import (
    SENTIMENT_RECORD,
    files_beside,
    published_record,
    read_record,
    record_digest,
    with_digest,
)
from ftm_ray.lake.storage import Lake
from ftm_ray.run.datasets import scored_on_ray
from ftm_ray.run.map_size import MapSize
from ftm_ray.run.nodes import known_nodes
from ftm_ray.run.progress import OnProgress, Progress, timed
from ftm_ray.run.session import ray_session
from ftm_ray.run.text_scores import ScoreStore, blocks_of, missing_texts, with_scores
from ftm_ray.run.theme_sentences import ThemeSentences
from ftm_ray.run.waiting import watched_cluster
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.sentiment import SENTENCE_SENTIMENT, SENTIMENT_TABLES, THEME_SENTIMENT
from ftm_ray.sentiment.aggregates import speaker_groups, theme_rows
from ftm_ray.sentiment.classifier import SentimentModel, find_model
from ftm_ray.sentiment.word_list import WordList, no_counts, read_word_list

logger = logging.getLogger(__name__)

_STAGE = "sentiment"


@dataclass(frozen=True, slots=True)
class ToneOutcome:
    """What the command did: its record (sentiment.json), and whether it had been done before."""

    record: dict[str, Any]
    already_done: bool


@dataclass(slots=True)
class _Work:
    """One quarter's work, and what it wrote."""

    sentences: ThemeSentences
    model: SentimentModel
    words: WordList | None
    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)  # by file

    @property
    def lake(self) -> Lake:
        return self.sentences.lake

    @property
    def quarter(self) -> str:
        return str(self.sentences.record["quarter"])

    @property
    def record_path(self) -> str:
        return self.lake.sentiment_record(self.quarter, self.sentences.record["run_id"])

    def table_path(self, name: str, number: int = 0) -> str:
        return f"{self.lake.table_dir(name, self.quarter)}/part-{number:05d}.parquet"


def score_quarter(
    root: str, quarter: str, config: RunConfig, on_progress: OnProgress, take_lock: bool = False
) -> ToneOutcome:
    """Say of each sentence of a theme how it sounds, and of each theme how a call speaks of it.

    Args:
        root: A folder or s3://bucket/prefix.
        quarter: Such as 2023Q1; it must be published.
        config: `config.sentiment` names the model; how many workers and which cards is as in a run.
        on_progress: Gets where the work stands.
        take_lock: Take over the lock of a run that is dead.

    Raises:
        ConfigError: No model was named, or it cannot be loaded, or its labels do not tell.
        SourceError: The quarter is not published, another run works on it, or a file cannot be read or written.
    """
    if config.sentiment.model is None:
        raise ConfigError("no sentiment model is named: give --model a folder or a name that the hub knows")
    lake = Lake(root)
    record = published_record(lake, quarter)
    model = find_model(config.sentiment.model, config.sentiment.precision)
    words = read_word_list(config.sentiment.word_list) if config.sentiment.word_list else None
    with quarter_lock(lake, quarter, f"sentiment of {record['run_id']}", take_lock) as lock:
        work = _Work(ThemeSentences.of(lake, record), model, words)
        done = _record_before(work)
        if done is not None:
            return ToneOutcome(done, already_done=True)
        return ToneOutcome(_score_and_publish(work, config, lock, on_progress), already_done=False)


def _score_and_publish(work: _Work, config: RunConfig, lock: QuarterLock, on_progress: OnProgress) -> dict[str, Any]:
    store = ScoreStore(work.lake, work.quarter, work.model.digest)
    known = store.read()
    missing, n_texts = missing_texts(work.sentences, known)
    if missing.num_rows:
        with timed(work.seconds, "score"):
            for part in _scored(missing, work, config, lambda p: _checked(lock, on_progress, p)):
                store.write(part)
        known = store.read()
    on_progress(Progress(_STAGE, n_texts, n_texts, "writing the tables"))
    lock.check()
    work.lake.delete_file(work.record_path)  # until the new one, nothing is whole
    with timed(work.seconds, "publish"):
        n_sentences = _publish(work, known)
    record = _record(work, {"n_sentences": n_sentences, "n_texts": n_texts, "n_scored": missing.num_rows})
    lock.check()
    work.lake.write_json(work.record_path, record)
    return record


def _checked(lock: QuarterLock, on_progress: OnProgress, progress: Progress) -> None:
    lock.check()
    on_progress(progress)


def _scored(missing: pa.Table, work: _Work, config: RunConfig, on_progress: OnProgress) -> Iterator[pa.Table]:
    """Parts as they come from the actors, whatever their order."""
    without_llm = config.model_copy(update={"llm": config.llm.model_copy(update={"endpoint": "none"})})
    with ray_session(lambda: on_progress(Progress("start", 0, 1, "starting Ray")), work.seconds):
        size = MapSize.of(without_llm, known_nodes(config.cluster))
        shown = watched_cluster(work.lake, work.quarter, on_progress) if ray_address() else nullcontext(on_progress)
        with shown as show:
            done = 0
            show(Progress(_STAGE, done, missing.num_rows, "loading the model"))
            blocks = blocks_of(missing, config.sentiment.texts_per_part)
            for part in scored_on_ray(without_llm, size, work.model, blocks):
                yield part
                done += part.num_rows
                show(Progress(_STAGE, done, missing.num_rows))


def _publish(work: _Work, known: pa.Table) -> int:
    """Write both tables, in the order of the published sentences, and remove files of an earlier run."""
    themes = []
    n_sentences = 0
    for number, table in enumerate(work.sentences.of_files()):
        scored = with_scores(table, known)
        counts = work.words.counts(table["raw_text"].to_pylist()) if work.words else no_counts(table.num_rows)
        for name, values in counts.items():
            scored = scored.append_column(name, values)
        scored = scored.append_column("speaker_group", speaker_groups(scored["speaker_type"]))
        _write(work, work.table_path("sentence_sentiment", number), SENTENCE_SENTIMENT, scored)
        themes.append(theme_rows(scored))
        n_sentences += scored.num_rows
    order = [(name, "ascending") for name in ("theme_id", "firm_id", "transcript_id", "speaker_group")]
    _write(work, work.table_path("theme_sentiment"), THEME_SENTIMENT, pa.concat_tables(themes).sort_by(order))
    for name in SENTIMENT_TABLES:
        folder = work.lake.table_dir(name, work.quarter)
        work.lake.delete_leftovers(folder)
        for path in files_beside(work.lake, [f"{folder}/any"]) - set(work.rows):
            work.lake.delete_file(path)
    return n_sentences


def _write(work: _Work, path: str, schema: pa.Schema, table: pa.Table) -> None:
    run_id = work.sentences.record["run_id"]
    for name, value in (("model_digest", work.model.digest), ("quarter", work.quarter), ("run_id", run_id)):
        table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
    table = check_table(table.select(schema.names).cast(schema), schema, path)
    work.rows[path] = write_published(work.lake, path, schema, [table])


def _made_of(work: _Work) -> dict[str, Any]:
    """What decides the tables."""
    model, source = work.model, work.model.source
    labels = {str(number): label for number, label in sorted(model.labels.items())}
    named = {"name": source.name, "revision": source.revision, "digest": model.digest, "labels": labels}
    words = {"digest": work.words.digest, "columns": list(work.words.columns)} if work.words else None
    return {
        "quarter": work.quarter,
        "run_id": work.sentences.record["run_id"],
        "model": named | {"precision": model.precision},
        "word_list": words,
    }


def _record(work: _Work, counts: dict[str, int]) -> dict[str, Any]:
    files = {path: work.lake.fingerprint(path) | {"rows": rows} for path, rows in work.rows.items()}
    return with_digest(_made_of(work) | {"counts": counts, "seconds": work.seconds, "files": files})


def _record_before(work: _Work) -> dict[str, Any] | None:
    """The record of the very same work, if all of its files are there."""
    if not work.lake.exists(work.record_path):
        return None
    try:
        record = read_record(work.lake, work.record_path, SENTIMENT_RECORD)
    except DamagedError as error:
        logger.warning("the sentiment tables are made again: %s", error)
        return None
    if record.get("digest") not in (None, record_digest(record)):
        return None
    made_of = _made_of(work)
    if {name: record.get(name) for name in made_of} != made_of:
        return None
    files = record["files"]
    return None if set(files) - files_beside(work.lake, files) else record
