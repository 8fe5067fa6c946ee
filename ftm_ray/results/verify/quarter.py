"""Re-checks what is published: every file, every count, and the chain from theme to sentence.

Nothing that the run said of itself is believed: files are hashed again, and all numbers are counted again from the
tables. Sentences, the only large table, are read file by file (`sentences.py`), so that memory does not grow
with the quarter; topics of 5,000 firms without their vectors are about 150 MB.
"""

from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.results.verify.cost import check_cost
from ftm_ray.results.verify.counts import (
    firm_count_problems,
    sentence_count_problems,
    sentence_words,
    topic_count_problems,
)
from ftm_ray.results.verify.files import check_files, check_leftovers, check_record
from ftm_ray.results.verify.intermediate import check_intermediate
from ftm_ray.results.verify.lineage import check_lineage
from ftm_ray.results.verify.sentences import SentenceTally, check_sentences
from ftm_ray.results.verify.sentiment import check_sentiment
from ftm_ray.results.verify.store import check_store
from ftm_ray.results.verify.tables import Tables, check_run_id, read_tables, row_problems
from ftm_ray.results.verify.themes import theme_problems, theme_topic_problems
from ftm_ray.results.verify.tone import check_tone
from ftm_ray.results.verify.vectors import check_vectors


def verify_quarter(lake: Lake, quarter: str) -> list[Check]:
    """Check everything that is published of a quarter.

    Returns:
        All checks that could be made: where files are missing or were changed, only those of bytes.

    Raises:
        SourceError: Nothing is published, or its publication was not finished.
    """
    record = published_record(lake, quarter)
    of_record = check_record(record)
    checks = [
        check_files(lake, record),
        check_leftovers(lake, record),
        *of_record,
        *check_store(lake, quarter),
    ]
    checks += check_intermediate(lake, record)
    if checks[0].problems or any(check.problems for check in of_record):
        return checks  # what stands in changed files is nobody's
    try:
        tables = read_tables(lake, quarter)
        tally = check_sentences(lake, record, tables.topics, tables.theme_topics, tables.sentiment)
    except SourceError as error:
        return [*checks, Check("schemas", "every column has its type", (str(error),))]
    return [
        *checks,
        Check("schemas", "every column has its type and no null where none is allowed"),
        make_check(
            "rows",
            f"{sum(file['rows'] for file in record['files'].values()):,}",
            row_problems(lake, record, tables, tally),
        ),
        check_run_id(record, tables, tally),
        make_check("chain", _chain_words(tables, tally), tally.chain_problems),
        make_check("theme topics", f"{tables.theme_topics.num_rows:,} topics in themes", theme_topic_problems(tables)),
        make_check("themes", f"{tables.themes.num_rows:,} themes are cross-firm", theme_problems(record, tables)),
        make_check("sentence counts", sentence_words(tally), sentence_count_problems(record, tables, tally)),
        make_check("firm counts", f"{tables.firms.num_rows:,} firms", firm_count_problems(record, tables)),
        make_check("topic counts", f"{tables.topics.num_rows:,} topics", topic_count_problems(record, tables)),
        *check_cost(record),
        check_sentiment(lake, record, tables.sentiment, tally),
        *check_vectors(lake, record),
        *check_tone(lake, record, tables),
        *check_lineage(lake, quarter, record["run_id"], tables),
    ]


def _chain_words(tables: Tables, tally: SentenceTally) -> str:
    return f"{tally.n_in_topics:,} sentences belong to the {tables.topics.num_rows:,} topics that list them"
