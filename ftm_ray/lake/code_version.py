"""The version of the code that decides what is published, and of that of the map: part of every id, so that old parts
never mix with new.

It is the package's version and a digest of the files below, comments and all: a changed file is other code, and who
works on it never gets yesterday's parts. Where a change is known to give the same bytes (files moved, words
changed), `_SAME_RESULTS_AS` says so, and a ROOT of the version before is resumed instead of being made anew.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ftm_ray.version import __version__

#: The files whose code decides what a part of the map holds. What cuts sentences is not among them: it decides what the
#: prefetch store holds, whose digest is part of every id.
MAP_FILES = (
    "lake/sealed_files.py",
    "lake/storage.py",
    "naming/account.py",
    "naming/client.py",
    "naming/content_guards.py",
    "naming/endpoint_health.py",
    "naming/failures.py",
    "naming/guards.py",
    "naming/kept_answers.py",
    "naming/namer.py",
    "naming/outcomes.py",
    "naming/prompts.py",
    "naming/tokens.py",
    "naming/topic_names.py",
    "naming/waits.py",
    "naming/word_support.py",
    "run/attempts.py",
    "schemas/answers.py",
    "schemas/arrays.py",
    "schemas/columns.py",
    "schemas/parts.py",
    "schemas/store.py",
    "schemas/vectors.py",
    "text/boilerplate_classifier.py",
    "text/boilerplate_minilm.json",
    "text/boilerplate_rules.py",
    "text/keyword_forms.py",
    "text/keyword_names.py",
    "text/keywords.py",
    "text/lemmas.py",
    "text/names.py",
    "text/spoken_words.json",
    "text/word_lists.py",
    "topics/finder.py",
    "topics/firm_rows.py",
    "topics/firm_topics.py",
    "topics/keyword_candidates.py",
    "topics/quality.py",
    "vectors/clustering.py",
    "vectors/encoder.py",
    "vectors/neighbors.py",
    "vectors/small_vectors.py",
    "vectors/umap_kernels.py",
    "vectors/unit_vectors.py",
)

#: The files that decide, beside those of the map, what is published. The command line, messages, and documentation do
#: not. Another clustering of themes must not cost hours of map again.
REDUCE_FILES = (
    "lake/published_files.py",
    "naming/distinct_labels.py",
    "naming/entailment.py",
    "naming/label_counts.py",
    "naming/support.py",
    "naming/theme_names.py",
    "run/model_support.py",
    "run/naming_quality.py",
    "run/publish.py",
    "run/reduce.py",
    "run/reduce_write.py",
    "run/sentiment.py",
    "run/text_vectors.py",
    "schemas/published.py",
    "schemas/sentiment.py",
    "text/language.py",
    "text/numbered_labels.py",
    "text/sentences.py",
    "themes/consensus.py",
    "themes/finder.py",
    "themes/fits.py",
    "themes/groups.py",
    "themes/kind.py",
    "themes/kind_minilm.json",
    "themes/near_topics.py",
    "themes/scaling.py",
    "themes/stability.py",
    "themes/theme_keywords.py",
    "themes/topic_set.py",
    "themes/validity.py",
    "vectors/query_encoder.py",
    "vectors/sequence_classifier.py",
)

#: A digest of such files -> the version whose results they give, byte by byte. An entry is made after the outputs
#: of both were compared (tests/compare_roots.py), holds for exactly these files, and goes with their next change.
_SAME_RESULTS_AS: dict[str, str] = {}


@cache
def code_version() -> str:
    """Version of the package and a digest of the steps' code and data, or the earlier version that it equals."""
    return _version_of(MAP_FILES + REDUCE_FILES)


@cache
def map_code_version() -> str:
    """The same for the map alone."""
    return _version_of(MAP_FILES)


def _version_of(names: Sequence[str]) -> str:
    digest = files_digest(names)
    return _SAME_RESULTS_AS.get(digest, f"{__version__}+{digest}")


def files_digest(names: Sequence[str]) -> str:
    """Eight hexadecimal digits that change with any byte of these files."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in names:
        digest.update((package / name).read_bytes())
    return digest.hexdigest()[:8]
