"""`ftm themes`, `trace` and `verify`: screens that fit the window, JSON for scripts, and exit codes."""

import json

import pytest
from command import ftm, one_error_line
from invented import QUARTER
from published import with_theme_columns

SENTENCES = f"processed/sentences/quarter={QUARTER}/part-00001.parquet"


@pytest.mark.parametrize("columns", [80, 120])
def test_screens_of_results_fit_the_window(published, columns):
    for arguments in (("themes", QUARTER), ("trace", "2024Q1-0001"), ("verify", QUARTER)):
        result = ftm(*arguments, "--root", published.lake.root, columns=columns)
        assert result.exit_code == 0
        assert max(len(line) for line in result.stdout.splitlines()) <= columns
        assert "…" not in result.stdout  # nothing is cut


def test_themes_show_size_firms_keywords_example_and_who_named_them(published):
    shown = " ".join(ftm("themes", QUARTER, "--root", published.lake.root, columns=120).stdout.split())
    for part in ("2024Q1-0001", "6 firms", "F0 Corporation", "and 1 more", "keywords", "Ann Example", "2024-02-01"):
        assert part in shown
    assert "not by a language model" in shown


def test_trace_shows_firm_stock_topic_and_who_spoke(published):
    shown = ftm("trace", "2024Q1-0002", "--root", published.lake.root, "--max-sentences", 1).stdout
    assert "F0 Corporation (F0, PERMNO 10001)" in shown
    assert "1 of 2 sentences, similarity to the theme" in shown
    assert shown.count("Ann Example") == 6


def test_trace_as_json_has_all_sentences(published):
    trace = json.loads(ftm("trace", "2024Q1-0002", "--root", published.lake.root, "--json").stdout)
    assert all(len(topic["sentences"]) == topic["n_sentences"] for topic in trace["topics"])


def test_an_unknown_theme_is_a_usage_error(published):
    result = ftm("trace", "2024Q1-0099", "--root", published.lake.root)
    assert result.exit_code == 2
    assert "it has 2024Q1-0001 to 2024Q1-0002" in one_error_line(result)


def test_text_from_calls_is_not_read_as_markup(published):
    with_theme_columns(published.lake, QUARTER, label=["[bold]0[/nothing]", "[bold]1[/nothing]"])
    assert "[bold]0[/nothing]" in ftm("themes", QUARTER, "--root", published.lake.root).stdout


def test_verify_of_a_damaged_file_ends_with_3_and_names_it(published):
    table = published.lake.read_table(SENTENCES)
    published.lake.write_table(SENTENCES, table.slice(1))
    result = ftm("verify", QUARTER, "--root", published.lake.root, columns=120)
    assert result.exit_code == 3
    assert SENTENCES in result.stdout
    assert "files" in one_error_line(result)
    checks = json.loads(ftm("verify", QUARTER, "--root", published.lake.root, "--json").stdout)
    assert SENTENCES in next(check for check in checks if check["name"] == "files")["problems"][0]


def test_verify_of_a_missing_file_ends_with_4(published):
    published.lake.delete_file(SENTENCES)
    result = ftm("verify", QUARTER, "--root", published.lake.root, columns=120)
    assert result.exit_code == 4
    assert f"{SENTENCES} is missing" in result.stdout
