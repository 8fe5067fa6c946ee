"""`ftm sql` reads what is published and nothing else, whatever is asked."""

import pytest
from command import ftm, one_error_line

OUTSIDE = {
    "a file of the machine": "SELECT * FROM read_csv('/etc/passwd')",
    "its text": "SELECT * FROM read_text('/etc/passwd')",
    "its bytes": "SELECT * FROM read_blob('/etc/passwd')",
    "a file by its name": "SELECT * FROM '{folder}/own.csv'",
    "a file through a query in a text": "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "Parquet beside ROOT": "SELECT * FROM read_parquet('{folder}/*.parquet')",
    "what a Parquet file says of itself": "SELECT * FROM parquet_metadata('{folder}/own.csv')",
    "which files there are": "SELECT * FROM glob('/etc/*')",
    "a guess at a file": "SELECT * FROM sniff_csv('/etc/passwd')",
    "a file to write": "COPY (SELECT 1) TO '{folder}/written.csv'",
    "a folder to write": "EXPORT DATABASE '{folder}/written'",
    "a file of SQL": "IMPORT DATABASE '{folder}'",
    "another database": "ATTACH '{folder}/written.db'",
    "an extension": "INSTALL httpfs",
    "an extension that is there": "LOAD httpfs",
    "the network": "SELECT * FROM read_json('http://127.0.0.1:1/x')",
    "a bucket": "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "keys that are kept": "SELECT * FROM duckdb_secrets()",
    "the environment": "SELECT getenv('HOME')",
    "a way back out": "SET enable_external_access = true",
    "another way back out": "RESET enable_external_access",
    "the lock": "SET lock_configuration = false",
    "a folder for what memory has no room for": "SET temp_directory = '{folder}/written'",
    "a file for the profile": "PRAGMA profiling_output = '{folder}/written'",
    "a variable of Python": "SELECT * FROM quarters",
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_nothing_outside_is_reached(published, tmp_path, what):
    (tmp_path / "own.csv").write_text("a\n1\n")
    result = ftm("sql", OUTSIDE[what].format(folder=tmp_path), "--root", published.lake.root)
    assert result.exit_code == 2
    assert "this cannot be answered" in one_error_line(result)
    assert "root:" not in result.output
    assert not list(tmp_path.glob("written*"))


def test_who_wanted_a_file_is_told_how(published, tmp_path):
    result = ftm("sql", f"COPY (SELECT 1) TO '{tmp_path}/x.csv'", "--root", published.lake.root)
    assert "`ftm sql --out FILE` writes the answer to a file" in one_error_line(result)


def test_questions_of_several_statements_are_kept_inside_too(published):
    result = ftm("sql", "SELECT 1; SELECT * FROM read_text('/etc/passwd')", "--root", published.lake.root)
    assert result.exit_code == 2
