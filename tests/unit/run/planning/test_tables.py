"""The tables in docs/plan.md are those of the files that a plan reads."""

from pathlib import Path

from plan_tables import price_rows, rate_rows

DOCS = Path(__file__).parents[4] / "docs" / "plan.md"


def test_the_tables_in_the_docs_are_those_of_the_files():
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    missing = [row for row in (*rate_rows(), *price_rows()) if row not in lines]
    assert not missing, "`python tests/plan_tables.py` prints the tables"


def test_the_docs_hold_no_rate_that_is_gone():
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    first = lines.index(rate_rows()[0])
    shown = [line for line in lines[first:] if line.startswith("| `")]
    assert len(shown) == len(rate_rows()) - 2  # less its head
