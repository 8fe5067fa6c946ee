"""Published quarters and a file of returns in, an event study out: read, studied, written under ROOT/events/NAME."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ftm_ray.errors import DamagedError, SourceError
from ftm_ray.events.calls import Call, Mention
from ftm_ray.events.day_zero import call_moment
from ftm_ray.events.factors import read_factors
from ftm_ray.events.returns import read_returns
from ftm_ray.events.sentiment import Tone, ToneSettings, read_sentiment, tones_of
from ftm_ray.events.study import Study, StudySettings, study_events
from ftm_ray.lake.calendar import known_from
from ftm_ray.lake.published_rows import column_fault
from ftm_ray.lake.storage import Lake
from ftm_ray.results.query import Results, open_results, read_answer
from ftm_ray.schemas.wrds import WRDS_CALLS

#: A call's sentences of each theme, and all of its sentences that were not left out.
_SPOKEN = """
    WITH kept AS (SELECT quarter, firm_id, transcript_id, call_date, topic_id FROM sentences WHERE drop_reason IS NULL),
    totals AS (SELECT quarter, firm_id, transcript_id, count(*) AS n_all FROM kept GROUP BY ALL),
    said AS (
        SELECT quarter, firm_id, transcript_id, theme_id, min(call_date) AS call_date, count(*) AS n_sentences
        FROM kept JOIN theme_topics USING (quarter, firm_id, topic_id)
        GROUP BY quarter, firm_id, transcript_id, theme_id
    )
    SELECT said.*, n_all, label, firm_name, permno, gvkey
    FROM said JOIN totals USING (quarter, firm_id, transcript_id) JOIN themes USING (quarter, theme_id)
    JOIN firms USING (quarter, firm_id)
    ORDER BY quarter, firm_id, transcript_id, theme_id
"""

_CALL_COLUMNS = ("quarter", "firm_id", "firm_name", "permno", "gvkey", "transcript_id", "call_date")


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """What a study is made of.

    Args:
        quarters: Published quarters.
        returns: File of daily returns.
        factors: Files of daily factors; none where the returns have the market.
        sentiment: File of sentiment per theme, firm and call; None = what `ftm sentiment` published, where it did.
        settings: Model, windows, estimation.
        tone: How sentiment is measured.
    """

    quarters: tuple[str, ...]
    returns: Path
    factors: tuple[Path, ...] = ()
    sentiment: Path | None = None
    settings: StudySettings = field(default_factory=StudySettings)
    tone: ToneSettings = field(default_factory=ToneSettings)

    def record(self) -> dict[str, Any]:
        """What the study is made of, for study.json; files by name only, since folders say nothing elsewhere."""
        files = [path.name for path in (self.returns, *self.factors, self.sentiment) if path is not None]
        return {
            "quarters": list(self.quarters),
            "files": files,
            "settings": asdict(self.settings),
            "tone": asdict(self.tone),
        }


def make_study(root: str, request: StudyRequest) -> Study:
    """Read published quarters and files, and make the study.

    Raises:
        SourceError: A quarter is not published, or a file cannot be read as it should be.
        ConfigError: The model needs factors that are not there.
    """
    results = open_results(root, *request.quarters)
    tones = _tones(results, request)
    calls, mentions = _calls_and_mentions(results, tones)
    if not calls:
        raise SourceError(f"no call of {', '.join(results.quarters)} in {root} speaks of a theme")
    permnos = np.array(sorted({call.permno for call in calls if call.permno is not None}), dtype=np.int64)
    panel = read_returns(request.returns, permnos)
    factors = read_factors(request.factors) if request.factors else None
    return study_events(calls, mentions, (panel, factors), request.settings)


def _tones(results: Results, request: StudyRequest) -> dict[tuple[str, str, str], Tone]:
    if request.sentiment:
        return read_sentiment(request.sentiment, request.tone)
    return tones_of(
        read_answer(results, "SELECT * FROM theme_sentiment"), request.tone, f"theme_sentiment of {results.root}"
    )


def _calls_and_mentions(results: Results, tones: dict[tuple[str, str, str], Tone]) -> tuple[list[Call], list[Mention]]:
    spoken = read_answer(results, _SPOKEN).to_pylist()
    uids, times = _theme_uids(results), _call_times(results, spoken)
    calls: dict[str, Call] = {}
    mentions = []
    for row in spoken:
        event_id = f"{row['firm_id']}_{row['transcript_id']}"
        values = {name: row[name] for name in _CALL_COLUMNS}
        moment = times.get((row["firm_id"], row["transcript_id"]))
        calls[event_id] = Call(event_id=event_id, call_time_utc=moment, **values)
        uid = uids.get((row["quarter"], row["theme_id"]))
        known = theme_time = known_from(row["quarter"])
        tone = tones.get((uid or row["theme_id"], row["firm_id"], row["transcript_id"]))
        if tone is None:
            tone = tones.get((row["theme_id"], row["firm_id"], row["transcript_id"]))
        if tone is not None and tone.knowledge_time is not None:
            known = max(known, tone.knowledge_time)
        exposure = row["n_sentences"] / row["n_all"]
        score = tone.score if tone is not None else None
        mentions.append(
            Mention(
                event_id, uid or row["theme_id"], row["label"], row["n_sentences"], exposure, score, known, theme_time
            )
        )
    return list(calls.values()), mentions


def _theme_uids(results: Results) -> dict[tuple[str, str], str | None]:
    """The theme_uid of each theme of linked firms; None where its quarter is not linked to others."""
    rows = read_answer(results, "SELECT DISTINCT quarter, theme_id, theme_uid FROM sentiment_ready")
    return {(row["quarter"], row["theme_id"]): row["theme_uid"] for row in rows.to_pylist()}


def _call_times(results: Results, spoken: Sequence[dict[str, Any]]) -> dict[tuple[str, str], datetime]:
    """When calls began: from the sentiment-ready table where it has that, else from what was fetched from WRDS."""
    days = {(row["firm_id"], row["transcript_id"]): row["call_date"] for row in spoken}
    texts = _wrds_times(results, days)
    question = "SELECT DISTINCT firm_id, transcript_id, earnings_call_time FROM sentiment_ready"
    rows = read_answer(results, question).to_pylist()
    said = {(row["firm_id"], row["transcript_id"]): row["earnings_call_time"] for row in rows}
    texts |= {key: text for key, text in said.items() if text}
    found = {key: call_moment(text, days[key]) for key, text in texts.items() if key in days}
    return {key: moment for key, moment in found.items() if moment is not None}


def _wrds_times(results: Results, days: dict[tuple[str, str], date]) -> dict[tuple[str, str], str | None]:
    lake = Lake(results.root)
    by_call: dict[str, str | None] = {}
    for quarter in results.quarters:
        path = f"{lake.wrds_dir(quarter)}/calls.parquet"
        if lake.exists(path):
            table = lake.read_table(path, ["transcriptid", "call_time_utc"])
            for column in table.column_names:
                if fault := column_fault(table[column], WRDS_CALLS.field(column)):
                    raise DamagedError(
                        f"{lake.full_path(path)} is damaged: its column '{column}' {fault}; delete it and run "
                        "`ftm prefetch` again"
                    )
            by_call |= {str(row["transcriptid"]): row["call_time_utc"] for row in table.to_pylist()}
    return {key: by_call[key[1]] for key in days if key[1] in by_call}
