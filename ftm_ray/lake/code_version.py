"""The version of the code that decides what is published: part of every id, so that old parts never mix with new.

It is the package's version and a digest of the files below, comments and all: a changed file is other code, and who
works on it never gets yesterday's parts. Where a change is known to give the same bytes (files moved, words
changed), `_SAME_RESULTS_AS` says so, and a ROOT of the version before is resumed instead of being made anew.
"""

import hashlib
from functools import cache
from pathlib import Path

from ftm_ray.version import __version__

#: The files whose code decides what is published. The command line, messages, and documentation do not.
STEP_FILES = (
    "lake/published_files.py",
    "lake/sealed_files.py",
    "lake/storage.py",
    "naming/account.py",
    "naming/client.py",
    "naming/content_guards.py",
    "naming/distinct_labels.py",
    "naming/endpoint_health.py",
    "naming/entailment.py",
    "naming/failures.py",
    "naming/guards.py",
    "naming/kept_answers.py",
    "naming/label_counts.py",
    "naming/namer.py",
    "naming/outcomes.py",
    "naming/prompts.py",
    "naming/support.py",
    "naming/theme_names.py",
    "naming/tokens.py",
    "naming/topic_names.py",
    "naming/waits.py",
    "naming/word_support.py",
    "run/model_support.py",
    "run/naming_quality.py",
    "run/publish.py",
    "run/reduce.py",
    "run/reduce_write.py",
    "run/sentiment.py",
    "schemas/answers.py",
    "schemas/arrays.py",
    "schemas/columns.py",
    "schemas/parts.py",
    "schemas/published.py",
    "schemas/sentiment.py",
    "schemas/store.py",
    "schemas/vectors.py",
    "text/boilerplate_classifier.py",
    "text/boilerplate_minilm.json",
    "text/boilerplate_rules.py",
    "text/keyword_forms.py",
    "text/keyword_names.py",
    "text/keywords.py",
    "text/language.py",
    "text/lemmas.py",
    "text/names.py",
    "text/sentences.py",
    "text/spoken_words.json",
    "text/word_lists.py",
    "themes/consensus.py",
    "themes/finder.py",
    "themes/fits.py",
    "themes/groups.py",
    "themes/kind.py",
    "themes/kind_minilm.json",
    "themes/scaling.py",
    "themes/stability.py",
    "themes/theme_keywords.py",
    "themes/topic_set.py",
    "themes/validity.py",
    "topics/finder.py",
    "topics/firm_rows.py",
    "topics/firm_topics.py",
    "topics/keyword_candidates.py",
    "topics/quality.py",
    "vectors/clustering.py",
    "vectors/encoder.py",
    "vectors/neighbors.py",
    "vectors/sequence_classifier.py",
    "vectors/small_vectors.py",
    "vectors/umap_kernels.py",
    "vectors/unit_vectors.py",
)

#: A digest of the files above -> the version whose results they give, byte by byte. An entry is made after the outputs
#: of both were compared (tests/compare_roots.py), holds for exactly these files, and goes with their next change.
_SAME_RESULTS_AS: dict[str, str] = {}


@cache
def code_version() -> str:
    """Version of the package and a digest of the steps' code and data, or the earlier version that it equals."""
    digest = step_files_digest()
    return _SAME_RESULTS_AS.get(digest, f"{__version__}+{digest}")


def step_files_digest() -> str:
    """Eight hexadecimal digits that change with any byte of the files whose code decides the result."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in STEP_FILES:
        digest.update((package / name).read_bytes())
    return digest.hexdigest()[:8]
