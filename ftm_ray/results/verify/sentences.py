"""The part of `ftm verify` that reads sentences: file by file, each against the topics and rows that speak of it.

A file holds the sentences of about 25 firms, and a firm is in one file only; so a file, with the topics and
sentiment-ready rows of its firms, can be checked by itself and forgotten.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.lake.published_files import read_published
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.schemas.published import SENTENCES


@dataclass(slots=True)
class SentenceTally:
    """What was counted and found wrong over all sentences."""

    firms: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # in topics, outliers, dropped
    dropped: Counter[str] = field(default_factory=Counter)  # sentences by drop_reason
    rows: dict[str, int] = field(default_factory=dict)  # of each file
    run_ids: set[str] = field(default_factory=set)
    n_in_topics: int = 0
    n_outliers: int = 0
    n_sentiment: int = 0
    chain_problems: list[str] = field(default_factory=list)
    count_problems: list[str] = field(default_factory=list)
    sentiment_problems: list[str] = field(default_factory=list)


def check_sentences(
    lake: Lake, record: Mapping[str, Any], topics: pa.Table, theme_topics: pa.Table, sentiment: pa.Table | None
) -> SentenceTally:
    """Read every file of published sentences once, and compare it with what the other tables say.

    Args:
        lake: Where the quarter is published.
        record: run.json.
        topics: Table topics; the vectors are not needed.
        theme_topics: Table theme_topics.
        sentiment: The sentiment-ready table, its sentences reduced to their ids; None where there is none.

    Raises:
        SourceError: A file cannot be read or has another schema.
    """
    tally = SentenceTally()
    folder = lake.table_dir("sentences", record["quarter"])
    for path in (path for path in record["files"] if path.startswith(f"{folder}/")):
        sentences = read_published(lake, path, SENTENCES).drop(["raw_text", "cleaned_text"])
        tally.rows[path] = sentences.num_rows
        firm_ids = sentences["firm_id"].unique()
        twice = [firm_id for firm_id in firm_ids.to_pylist() if firm_id in tally.firms]
        tally.chain_problems += [f"firm {firm_id} is in {path} and in a file before" for firm_id in twice]
        _count(tally, sentences, path)
        _check_topics(tally, sentences, _of_firms(topics, firm_ids))
        if sentiment is not None:
            _check_sentiment(tally, sentences, _of_firms(theme_topics, firm_ids), _of_firms(sentiment, firm_ids))
    without = sorted(set(topics["firm_id"].to_pylist()) - set(tally.firms))
    tally.chain_problems += [f"firm {firm_id} has topics, but no sentences" for firm_id in without]
    return tally


def _of_firms(table: pa.Table, firm_ids: pa.ChunkedArray) -> pa.Table:
    return table.filter(pc.is_in(table["firm_id"], firm_ids))


def _count(tally: SentenceTally, sentences: pa.Table, path: str) -> None:
    """In topics + outliers + left out with a reason, firm by firm."""
    firms: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    columns = (sentences[name].to_pylist() for name in ("firm_id", "topic_id", "drop_reason"))
    for firm_id, topic_id, reason in zip(*columns, strict=True):
        if topic_id is None:
            firms[firm_id][2] += 1
            tally.dropped[reason or "without a reason"] += 1
        else:
            firms[firm_id][1 if topic_id == OUTLIER_TOPIC_ID else 0] += 1
        if (topic_id is None) != (reason is not None):
            tally.count_problems.append(f"{path}: a sentence of firm {firm_id} has topic {topic_id}, reason {reason}")
    ids = sentences["sentence_id"]
    if len(ids.unique()) != len(ids):
        tally.chain_problems.append(f"{path}: {len(ids) - len(ids.unique())} sentence ids stand there more than once")
    tally.firms |= {firm_id: (counts[0], counts[1], counts[2]) for firm_id, counts in firms.items()}
    tally.n_in_topics += sum(counts[0] for counts in firms.values())
    tally.n_outliers += sum(counts[1] for counts in firms.values())
    tally.run_ids |= set(sentences["run_id"].unique().to_pylist())


def _check_topics(tally: SentenceTally, sentences: pa.Table, topics: pa.Table) -> None:
    """The sentences that a topic lists are exactly those that carry its number."""
    carried: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    columns = (sentences[name].to_pylist() for name in ("firm_id", "topic_id", "sentence_id"))
    for firm_id, topic_id, sentence_id in zip(*columns, strict=True):
        if topic_id is not None and topic_id != OUTLIER_TOPIC_ID:
            carried[firm_id, topic_id].add(sentence_id)
    names = ["firm_id", "topic_id", "n_sentences", "sentence_ids", "exemplar_ids", "representation"]
    for topic in topics.select(names).to_pylist():
        listed, name = set(topic["sentence_ids"]), f"topic {topic['topic_id']} of firm {topic['firm_id']}"
        found = carried.pop((topic["firm_id"], topic["topic_id"]), set())
        if listed != found:
            n_other = len(listed ^ found)
            tally.chain_problems.append(f"{name}: its list and the table sentences differ in {n_other} sentences")
        if topic["n_sentences"] != len(topic["sentence_ids"]):
            tally.chain_problems.append(f"{name}: n_sentences {topic['n_sentences']}, lists {len(listed)}")
        if not set(topic["exemplar_ids"]) <= listed:
            tally.chain_problems.append(f"{name}: an exemplar is not one of its sentences")
        if not topic["representation"].strip():
            tally.chain_problems.append(f"{name}: it has no representation")
    tally.chain_problems += [
        f"{len(ids)} sentences of firm {firm_id} carry topic {topic_id}, which table topics does not have"
        for (firm_id, topic_id), ids in carried.items()
    ]


def _check_sentiment(tally: SentenceTally, sentences: pa.Table, theme_topics: pa.Table, sentiment: pa.Table) -> None:
    """One row per (theme, firm, topic, call) of a linked firm, with the call's date and exactly its sentences."""
    members = theme_topics.filter(pc.is_valid(theme_topics["permno"]))
    theme_of = {(row["firm_id"], row["topic_id"]): row["theme_id"] for row in members.to_pylist()}
    expected: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in sentences.select(["firm_id", "topic_id", "transcript_id", "call_date", "sentence_id"]).to_pylist():
        theme_id = theme_of.get((row["firm_id"], row["topic_id"]))
        if theme_id is not None:
            key = (theme_id, row["firm_id"], row["topic_id"], row["transcript_id"], row["call_date"])
            expected[key].add(row["sentence_id"])
    for row in sentiment.to_pylist():
        call = (row["transcript_id"], row["earnings_call_date"])
        found = expected.pop((row["theme_id"], row["firm_id"], row["topic_id"], *call), None)
        listed = [sentence["sentence_id"] for sentence in row["sentences"]]
        tally.n_sentiment += len(listed)
        name = f"{row['theme_id']}, topic {row['topic_id']} of firm {row['firm_id']}, call {call[0]} of {call[1]}"
        if found is None:
            tally.sentiment_problems.append(f"{name}: no such theme, topic and call is published, or the row is double")
        elif set(listed) != found or len(listed) != row["n_sentences"] or len(listed) != len(found):
            tally.sentiment_problems.append(f"{name}: {len(listed)} sentences, the published tables give {len(found)}")
    tally.sentiment_problems += [f"no row for {', '.join(map(str, key))}" for key in expected]
