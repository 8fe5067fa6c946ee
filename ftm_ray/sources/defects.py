"""Rules for defective calls. docs/coverage-rules.md describes each rule with its measured recall and false alarms.

Two kinds: what can only be seen by comparing calls (`judge_calls`, one light pass over all of them that keeps a few
hundred hashes a call), and what is seen inside one call (`pasted_again`, `repair_notes`). Thresholds were read off
986 + 3,443 + 188 real calls, where the cases lie far apart: two copies of a text share >= 0.65 of their long
sentences, two honest calls <= 0.27.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from statistics import median

import ftfy
import numpy as np

from ftm_ray.sources.calls import Call, Firm, Passage
from ftm_ray.text import sentences as text


class DropReason(StrEnum):
    """Why a call, or a sentence of a kept call, is left out."""

    EMPTY = "empty"  # no letter in it
    SHORT = "short"  # a fragment: too little for one topic
    DUPLICATE_CALL = "duplicate_call"  # the same text is kept under another transcript id
    OTHER_FIRM = "other_firm"  # the text is the call of another firm
    PASTED_TWICE = "pasted_twice"  # sentences of a second copy inside a call
    FOREIGN = "foreign"  # sentences in another language


class Note(StrEnum):
    """What is odd about a call, or was repaired in it."""

    SHORT_FOR_QUARTER = "short_for_quarter"
    TWO_CALLS = "two_calls"
    COPY_IN_FIRM = "copy_in_firm"
    SHARED_WITH_FIRM = "shared_with_firm"
    OTHER_QUARTER = "other_quarter"
    NO_FIRM_NAME = "no_firm_name"
    HTML = "html"
    MOJIBAKE = "mojibake"
    INVISIBLE = "invisible"
    FILE_ORDER = "file_order"
    SPEAKER_LABELS = "speaker_labels"  # speakers stood in the text; the call was cut there


#: 1,500 characters are about 12 sentences: a topic needs 6 of a kind, so that nothing can be found in less.
MIN_CHARACTERS = 1500
#: A call with less than a tenth of its quarter's median was probably cut off; kept, because what is there is real.
SHORT_RATIO = 0.10
MIN_CALLS_FOR_MEDIAN = 20
#: Letters and digits of a sentence that two calls hardly have in common by chance.
LONG_SENTENCE = 40
MIN_SHARED_RATIO = 0.40
MIN_SHARED_SENTENCES = 10
#: A sentence in more calls than this is safe-harbour or operator text and says nothing about copies.
MAX_SHARERS = 50
#: The firm that a shared text belongs to is named in it, and the others are not.
MIN_MENTIONS = 3
MENTIONS_FACTOR = 3
#: Fewest sentences that a second copy inside a call must repeat, more than the others it holds.
MIN_REPEATED = 15

CallKey = tuple[str, str]  # firm_id, transcript_id


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about a call: kept if there is no reason."""

    reason: DropReason | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Trace:
    """What is remembered of a call for comparing: 8 bytes a long sentence, 5,000 calls are about 20 MB."""

    key: CallKey
    hashes: np.ndarray  # (n_long_sentences,) uint64, sorted
    name_tokens: frozenset[str] = frozenset()
    n_characters: int = 0
    n_mentions: int = 0  # of the firm's own name in its own call
    reason: DropReason | None = None
    notes: list[str] = field(default_factory=list)


def judge_calls(firms: Iterable[Firm], neighbours: Callable[[], Iterable[Passage]]) -> dict[CallKey, Verdict]:
    """Decide call by call, over all calls of a quarter.

    Args:
        firms: All firms of the quarter.
        neighbours: Texts of the quarters around it; only compared with, and only noted. Asked for after the firms.
    """
    traces = {trace.key: trace for firm in firms for trace in _traces(firm)}
    outside = _outside_traces(neighbours(), traces)
    _judge_length(list(traces.values()))
    alike = _pairs_alike([*traces.values(), *outside])
    _judge_other_quarter(alike, traces)
    inside = [pair for pair in alike if pair[0].key in traces and pair[1].key in traces]
    _judge_copies([pair for pair in inside if pair[0].key[0] == pair[1].key[0]], Note.COPY_IN_FIRM)
    _judge_copies([pair for pair in inside if pair[0].key[0] != pair[1].key[0]], Note.SHARED_WITH_FIRM)
    return {key: Verdict(trace.reason, tuple(trace.notes)) for key, trace in traces.items()}


def _traces(firm: Firm) -> Iterator[_Trace]:
    tokens = text.firm_name_tokens(firm.firm_name, firm.ticker)
    name = re.compile("|".join(rf"\b{re.escape(token)}(?:'?s)?\b" for token in sorted(tokens)) or r"(?!)")
    for call in firm.calls:
        trace = _Trace((firm.firm_id, call.transcript_id), _long_hashes(turn.text for turn in call.turns))
        trace.name_tokens = text.firm_name_tokens(firm.firm_name, None)
        trace.n_characters = sum(len(turn.text) for turn in call.turns)
        trace.n_mentions = sum(len(name.findall(turn.text.lower())) for turn in call.turns)
        if firm.firm_name is None:
            trace.notes.append(Note.NO_FIRM_NAME)
        if len(firm.calls) > 1:
            trace.notes.append(f"{Note.TWO_CALLS}: {len(firm.calls)}")
        yield trace


def _outside_traces(neighbours: Iterable[Passage], inside: Collection[CallKey]) -> list[_Trace]:
    """Traces of calls in other quarters; their passages may come in any order."""
    found: dict[CallKey, _Trace] = {}
    for passage in neighbours:
        key = (passage.firm_id, passage.transcript_id)
        hashes = _long_hashes([passage.text])
        if key in found:
            found[key].hashes = np.union1d(found[key].hashes, hashes)
        elif key not in inside:
            found[key] = _Trace(key, hashes)
    return [found[key] for key in sorted(found)]


def _long_hashes(passages: Iterable[str]) -> np.ndarray:
    """Hashes of the long sentences, sorted, each once; blind to case, blanks and punctuation."""
    sentences = (_letters(sentence) for passage in passages for sentence in text.split_sentences(passage))
    digests = {hashlib.blake2b(s.encode(), digest_size=8).digest() for s in sentences if len(s) >= LONG_SENTENCE}
    return np.sort(np.frombuffer(b"".join(digests), dtype=np.uint64))


def _letters(sentence: str) -> str:
    return "".join(character for character in sentence.lower() if character.isalnum())


def _judge_length(traces: Sequence[_Trace]) -> None:
    usual = median(trace.n_characters for trace in traces) if len(traces) >= MIN_CALLS_FOR_MEDIAN else 0
    for trace in traces:
        if trace.n_characters == 0:
            trace.reason = DropReason.EMPTY
        elif trace.n_characters < MIN_CHARACTERS:
            trace.reason = DropReason.SHORT
        elif trace.n_characters < SHORT_RATIO * usual:
            trace.notes.append(f"{Note.SHORT_FOR_QUARTER}: {trace.n_characters} characters")


_Pair = tuple[_Trace, _Trace, float]


def _pairs_alike(traces: Sequence[_Trace]) -> list[_Pair]:
    """Pairs of calls that share so many long sentences that one is a copy of the other, in the order of their keys."""
    sizes = [len(trace.hashes) if trace.reason is None else 0 for trace in traces]
    hashes = np.concatenate([trace.hashes[:size] for trace, size in zip(traces, sizes, strict=True)])
    order = np.argsort(hashes, kind="stable")
    holders = np.repeat(np.arange(len(traces), dtype=np.int32), sizes)[order]
    hashes = hashes[order]
    del order  # a million sentences or more: each of these arrays counts
    starts = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
    ends = np.append(starts, len(hashes))[1:]
    is_shared = (ends - starts >= 2) & (ends - starts <= MAX_SHARERS)  # most sentences are said in one call only
    shared: Counter[tuple[int, int]] = Counter()
    for start, end in zip(starts[is_shared].tolist(), ends[is_shared].tolist(), strict=True):
        shared.update(combinations(holders[start:end].tolist(), 2))
    pairs = []
    for (one, two), n_shared in sorted(shared.items()):
        ratio = n_shared / min(sizes[one], sizes[two])
        if n_shared >= MIN_SHARED_SENTENCES and ratio >= MIN_SHARED_RATIO:
            pairs.append((traces[one], traces[two], ratio))
    return pairs


def _judge_other_quarter(pairs: Sequence[_Pair], inside: Mapping[CallKey, _Trace]) -> None:
    """Note where a call's text also stands in another quarter: which of the two is right cannot be told."""
    for one, two, ratio in pairs:
        for trace, other in ((one, two), (two, one)):
            if trace.key in inside and other.key not in inside:
                trace.notes.append(f"{Note.OTHER_QUARTER}: {ratio:.2f} of the text also in {other.key[1]}")


def _judge_copies(pairs: Sequence[_Pair], note: Note) -> None:
    """Keep at most one of each group of calls with one text, and drop the others."""
    for group in _groups([pair for pair in pairs if pair[0].reason is None and pair[1].reason is None]):
        kept, reason = _longest(group) if note == Note.COPY_IN_FIRM else _rightful(group)
        for trace in group:
            others = ", ".join(other.key[1] for other in group if other is not trace)
            trace.notes.append(f"{note}: {others}")
            if trace is not kept:
                trace.reason = reason


def _groups(pairs: Sequence[_Pair]) -> list[list[_Trace]]:
    """Calls that are linked by pairs, each group in the order of its keys."""
    group_of: dict[CallKey, dict[CallKey, _Trace]] = {}
    for one, two, _ in pairs:
        merged = group_of.get(one.key, {one.key: one}) | group_of.get(two.key, {two.key: two})
        group_of |= dict.fromkeys(merged, merged)
    distinct = {id(group): group for group in group_of.values()}
    return [[group[key] for key in sorted(group)] for group in distinct.values()]


def _longest(group: Sequence[_Trace]) -> tuple[_Trace, DropReason]:
    """Copies within a firm: the one with most text is the most complete; of equals the first id."""
    return min(group, key=lambda trace: (-trace.n_characters, trace.key)), DropReason.DUPLICATE_CALL


def _rightful(group: Sequence[_Trace]) -> tuple[_Trace | None, DropReason]:
    """Copies under several firms: the one that is named in it; none, where that does not decide."""
    if len({trace.name_tokens for trace in group}) == 1 and group[0].name_tokens:
        return group[0], DropReason.DUPLICATE_CALL  # share classes of one firm, such as GOOG and GOOGL
    best, second = sorted(group, key=lambda trace: -trace.n_mentions)[:2]
    if best.n_mentions >= max(MIN_MENTIONS, MENTIONS_FACTOR * second.n_mentions):
        return best, DropReason.OTHER_FIRM
    return None, DropReason.OTHER_FIRM


def pasted_again(sentences: Sequence[str]) -> frozenset[int]:
    """Find second copies of a text inside a call: stretches in which nearly all long sentences came before.

    Returns:
        Positions of the sentences in second copies. Sentences there that are new to the letter go too: in the real
        cases they are the same words, recognised or cut otherwise.
    """
    keys = [_letters(sentence) for sentence in sentences]
    first_at: dict[str, int] = {}
    for position, key in enumerate(keys):
        first_at.setdefault(key, position)
    # Null where too short to judge, else where it stood first.
    firsts = [first_at[key] if len(key) >= LONG_SENTENCE else None for key in keys]
    again: set[int] = set()
    while stretch := _best_stretch(firsts, again):
        again.update(stretch)
    return frozenset(again)


def _best_stretch(firsts: Sequence[int | None], taken: Collection[int]) -> range:
    """The stretch with most repeats, empty if they are not `MIN_REPEATED` more than the new long sentences in it.

    Source: Kadane's maximum subarray; a long sentence counts +1 where it was said before the stretch, else -1.
    """
    best, best_score = range(0), MIN_REPEATED - 1
    start, score = 0, 0
    for position, first in enumerate(firsts):
        if position in taken:
            score = 0
        elif first is not None:
            if score == 0:
                start = position
            score = max(0, score + (1 if first < start else -1))
            if score > best_score:
                best, best_score = range(start, position + 1), score
    return best


_ENTITY = re.compile(r"&(?:#\d+|[A-Za-z]{2,8});")


def repair_notes(call: Call) -> list[str]:
    """Say what `text.repair_text` mends in a call."""
    notes = []
    n_markup = sum(len(text.TAG.findall(turn.text)) + len(_ENTITY.findall(turn.text)) for turn in call.turns)
    if n_markup:
        notes.append(f"{Note.HTML}: {n_markup}")
    n_mojibake = sum(_is_broken(turn.text) for turn in call.turns if not turn.text.isascii())
    if n_mojibake:
        notes.append(f"{Note.MOJIBAKE}: {n_mojibake}")
    n_invisible = sum(len(text.INVISIBLE.findall(turn.text)) for turn in call.turns)
    if n_invisible:
        notes.append(f"{Note.INVISIBLE}: {n_invisible}")
    return notes


def _is_broken(passage: str) -> bool:
    return "\ufffd" in passage or ftfy.is_bad(passage)
