"""The names under which a column, or a field of a nested turn, is known."""

import re
from collections.abc import Iterable, Mapping

#: Names under which a column is looked for, best first; compared in their `normal_name`. WRDS names included.
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "firm_id": ("firm_id", "companyid", "company_id", "ticker", "symbol", "tic", "gvkey", "cusip", "isin", "permno"),
    "firm_name": ("firm_name", "companyname", "company_name", "company", "conm", "name"),
    "ticker": ("ticker", "symbol", "tic"),
    "transcript_id": ("transcript_id", "transcriptid", "keydevid", "call_id", "event_id"),
    "call_date": ("call_date", "mostimportantdateutc", "date", "event_date"),
    "call_time": ("call_time", "mostimportanttimeutc", "event_time", "time"),
    "position": ("position", "componentorder", "turn"),
    "speaker_name": ("speaker_name", "transcriptpersonname", "person", "speaker"),
    "speaker_type": ("speaker_type", "speakertypename", "speakertype", "role"),
    "section": ("section", "transcriptcomponenttypename", "componenttype"),
    "text": ("text", "componenttext", "structured_content", "transcript", "content", "body"),
    "permno": ("permno", "lpermno"),
    "gvkey": ("gvkey",),
    "link_date": ("link_date",),
}
NECESSARY_COLUMNS = ("firm_id", "call_date", "text")

#: Fields of one turn inside a nested transcript.
TURN_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": (
        *COLUMN_NAMES["text"],
        "speech",
        "utterance",
        "paragraphs",
        "paragraph",
        "sentences",
        "statement",
        "message",
        "line",
        "dialogue",
        "remarks",
        "words",
    ),
    "speaker_name": (*COLUMN_NAMES["speaker_name"], "personname", "participant", "name", "speakers"),
    "speaker_type": (*COLUMN_NAMES["speaker_type"], "title", "type", "position", "job_title", "designation"),
    "section": (*COLUMN_NAMES["section"], "session", "part"),
}


def normal_name(name: str) -> str:
    """A column's name as it is compared: without case, blanks, underscores, hyphens and dots."""
    return re.sub(r"[\s_.\-\u200b\ufeff]+", "", name.lower())


def name_before_pandas(name: str) -> str:
    """The name that stood twice in a header before pandas wrote the second one as "text.1"."""
    return re.sub(r"\.\d$", "", name)


def first_known(found: Iterable[str], known: Iterable[str]) -> str | None:
    """The one of the names that are there which comes first among the known ones."""
    by_normal = {normal_name(name): name for name in reversed(list(found))}
    return next((by_normal[normal_name(name)] for name in known if normal_name(name) in by_normal), None)
