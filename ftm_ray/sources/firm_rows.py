"""One firm from a source becomes one row of the prefetch store, and one coverage row per call.

Every sentence is accounted for: `n_sentences_in` = `n_sentences_kept` + those that the notes count as dropped, or all
of them where the call is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftm_ray.sources.calls import Call, Firm, Turn, UnreadCall
from ftm_ray.sources.defects import CallKey, DropReason, Verdict, pasted_again, repair_notes
from ftm_ray.text import sentences as text


@dataclass(frozen=True, slots=True)
class FirmRows:
    """What one firm adds to the store."""

    row: dict[str, Any] | None  # of schemas.PREFETCH; null where no sentence is left
    coverage: list[dict[str, Any]]  # of schemas.COVERAGE


@dataclass(frozen=True, slots=True)
class _Sentence:
    position: int  # running number in the call as it came, so that it does not move when a rule changes
    raw_text: str
    turn: Turn


def firm_rows(firm: Firm, quarter: str, verdicts: Mapping[CallKey, Verdict]) -> FirmRows:
    """Repair, split and clean the calls of one firm.

    Args:
        firm: A firm as its source gave it.
        quarter: The quarter of its calls.
        verdicts: What `judge_calls` said about each call.
    """
    kept: list[tuple[Call, list[_Sentence]]] = []
    coverage = []
    for call in firm.calls:
        verdict = verdicts[(firm.firm_id, call.transcript_id)]
        sentences = _sentences(call)
        left, dropped = ([], {}) if verdict.reason else _without_defects(sentences)
        reason = verdict.reason or (None if left else max(dropped, key=dropped.__getitem__, default=DropReason.EMPTY))
        if left:
            kept.append((call, left))
        counted = [f"{name}: {n} sentences" for name, n in dropped.items()] if left else []
        coverage.append(
            _call_columns(firm, call, quarter)
            | {
                "kept": bool(left),
                "reason": reason,
                "notes": [*verdict.notes, *call.notes, *repair_notes(call), *counted],
                "n_turns": len(call.turns),
                "n_sentences_in": len(sentences),
                "n_sentences_kept": len(left),
            }
        )
    return FirmRows(_prefetch_row(firm, quarter, kept) if kept else None, coverage)


def unread_row(call: UnreadCall, quarter: str) -> dict[str, Any]:
    """The coverage row of a call whose text was never read."""
    nothing: dict[str, Any] = {"notes": [], "n_turns": 0, "n_sentences_in": 0, "n_sentences_kept": 0}
    return _call_columns(call, call, quarter) | nothing | {"kept": False, "reason": call.reason}


def _call_columns(firm: Firm | UnreadCall, call: Call | UnreadCall, quarter: str) -> dict[str, Any]:
    """Which call a coverage row is about; a call that was not read knows its firm."""
    return {
        "firm_id": firm.firm_id,
        "firm_name": firm.firm_name,
        "transcript_id": call.transcript_id,
        "call_date": call.call_date,
        "quarter": quarter,
        "permno": firm.permno,
        "gvkey": firm.gvkey,
    }


def _sentences(call: Call) -> list[_Sentence]:
    pairs = [(turn, sentence) for turn in call.turns for sentence in text.split_sentences(text.repair_text(turn.text))]
    return [_Sentence(position, sentence, turn) for position, (turn, sentence) in enumerate(pairs)]


def _without_defects(sentences: list[_Sentence]) -> tuple[list[_Sentence], dict[DropReason, int]]:
    """Leave out second copies and foreign passages; says how many sentences each rule took."""
    again = pasted_again([sentence.raw_text for sentence in sentences])
    left, n_foreign = [], 0
    for sentence in sentences:
        if sentence.position in again:
            continue
        if text.is_foreign(sentence.raw_text):
            n_foreign += 1
        else:
            left.append(sentence)
    counts = {DropReason.PASTED_TWICE: len(again), DropReason.FOREIGN: n_foreign}
    return left, {reason: n for reason, n in counts.items() if n}


def _prefetch_row(firm: Firm, quarter: str, kept: list[tuple[Call, list[_Sentence]]]) -> dict[str, Any]:
    names = _names(firm, [call for call, _ in kept])
    return {
        "firm_id": firm.firm_id,
        "firm_name": firm.firm_name,
        "permno": firm.permno,
        "gvkey": firm.gvkey,
        "link_date": firm.link_date,
        "quarter": quarter,
        "n_calls": len(kept),
        "sentences": [
            {
                "sentence_id": f"{firm.firm_id}_{call.transcript_id}_{sentence.position:04d}",
                "transcript_id": call.transcript_id,
                "call_date": call.call_date,
                "position": sentence.position,
                "speaker_name": sentence.turn.speaker_name,
                "speaker_type": sentence.turn.speaker_type,
                "section": sentence.turn.section,
                "raw_text": sentence.raw_text,
                "cleaned_text": text.clean_for_keywords(sentence.raw_text, names),
            }
            for call, sentences in kept
            for sentence in sentences
        ],
    }


def _names(firm: Firm, calls: list[Call]) -> frozenset[str]:
    """Words that name the firm or a person in its calls, and so may not become keywords."""
    turns = [turn for call in calls for turn in call.turns]
    speakers = sorted({turn.speaker_name for turn in turns if turn.speaker_name})
    people = text.person_names([text.repair_text(turn.text) for turn in turns], speakers)
    return people | text.firm_name_tokens(firm.firm_name, firm.ticker or firm.firm_id)
