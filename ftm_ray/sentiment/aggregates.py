"""From sentences to themes: the tone in which one group of speakers of a call speaks of a theme."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.sentiment.word_list import COUNT_COLUMNS

#: Whose rows make one row, beside the speaker group.
KEYS = ("theme_id", "firm_id", "transcript_id", "speaker_group", "call_date", "permno")

#: Speakers as the sources' types have them; all others, and nobody known, are 'other'.
SPEAKER_GROUPS = ("analyst", "ceo", "cfo", "executive", "other")


def speaker_groups(speaker_types: pa.ChunkedArray) -> pa.ChunkedArray:
    """The speaker group of each sentence."""
    lowered = pc.utf8_lower(pc.fill_null(speaker_types, "other"))
    return pc.if_else(pc.is_in(lowered, pa.array(SPEAKER_GROUPS)), lowered, "other")


def theme_rows(sentences: pa.Table) -> pa.Table:
    """One row per theme, firm, call and speaker group, ordered by them.

    Args:
        sentences: Whole calls, with `KEYS`, p_pos, p_neg and the columns of counts.

    Returns:
        `KEYS`, score (mean of p_pos - p_neg), score_std (over the sentences; null for a single one), n_sentences, the
        sums of the counts, and lm_score.
    """
    table = sentences.append_column("score", pc.subtract(sentences["p_pos"], sentences["p_neg"]))
    several = pc.VarianceOptions(ddof=1, min_count=2)
    wanted = [("score", "mean"), ("score", "stddev", several), ("score", "count")]
    wanted += [(name, "sum") for name in COUNT_COLUMNS]
    found = table.group_by(list(KEYS), use_threads=False).aggregate(wanted)  # so that sums have one order
    named = {"score_mean": "score", "score_stddev": "score_std", "score_count": "n_sentences"}
    named |= {f"{name}_sum": name for name in COUNT_COLUMNS}
    found = found.rename_columns([named.get(name, name) for name in found.column_names])
    found = found.append_column("lm_score", _lm_score({name: found[name] for name in COUNT_COLUMNS}))
    return found.sort_by([(name, "ascending") for name in KEYS[:4]])


def _lm_score(counts: Mapping[str, pa.ChunkedArray]) -> pa.ChunkedArray:
    """(positive - negative) / words, where a negated positive word counts as negative; null without words."""
    flipped = pc.subtract(counts["lm_positive"], pc.multiply(counts["lm_negated"], 2))
    words = pc.if_else(pc.equal(counts["n_words"], 0), None, counts["n_words"])
    return pc.divide(pc.cast(pc.subtract(flipped, counts["lm_negative"]), pa.float64()), pc.cast(words, pa.float64()))
