"""`ftm prefetch` and `ftm status`: what a quarter holds and where it stands, at every moment."""

import csv
import json

import pytest
from command import ftm, one_error_line
from invented import QUARTER, SUBJECTS, bare_row, done_row, part_table, run_files, topic_vector
from published import publish

from ftm_ray.sources.manifest import read_manifest


@pytest.fixture
def calls(tmp_path):
    """A CSV of three calls; the third is a fragment. Its text column has a name of its own."""
    path = tmp_path / "calls.csv"
    texts = {
        "AAA": " ".join(SUBJECTS["freight"] + SUBJECTS["hiring"]),
        "BBB": " ".join(SUBJECTS["credit"] + SUBJECTS["software"]),
        "CCC": "We had a good quarter.",
    }
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticker", "company", "date", "spoken"])
        writer.writerows([firm, f"{firm} Incorporated", "2024-02-06", text] for firm, text in texts.items())
    return path


@pytest.fixture
def prefetched(lake, calls):
    """A lake with those calls."""
    result = ftm("prefetch", QUARTER, "--path", calls, "--column", "text=spoken", "--root", lake.root)
    assert result.exit_code == 0, result.output
    return lake


def test_prefetch_reports_what_came_in_and_what_was_left_out(lake, calls):
    result = ftm("prefetch", QUARTER, "--path", calls, "--column", "text=spoken", "--root", lake.root)
    assert result.exit_code == 0
    assert "2024Q1 is ready: 2 firms, 2 calls, 48 sentences" in result.stdout
    assert "dropped: short" in result.stdout
    assert "no PERMNO links" in result.stdout
    assert f"ftm run {QUARTER} --root" in result.stdout


def test_prefetch_again_says_that_nothing_changed(prefetched, calls):
    arguments = ("prefetch", QUARTER, "--path", calls, "--column", "text=spoken", "--root", prefetched.root)
    assert "no change" in ftm(*arguments).stdout
    report = json.loads(ftm(*arguments, "--json").stdout)
    assert report["state"] == "unchanged"
    assert report["manifest"]["n_firms"] == 2


@pytest.mark.parametrize("column", ["text", "text=", "=spoken"])
def test_a_column_needs_both_names(column, calls, lake):
    result = ftm("prefetch", QUARTER, "--path", calls, "--column", column, "--root", lake.root)
    assert result.exit_code == 2
    assert "--column text=body" in one_error_line(result)


def test_files_that_are_not_there_are_a_source_error(lake, tmp_path):
    result = ftm("prefetch", QUARTER, "--path", tmp_path / "*.parquet", "--root", lake.root)
    assert result.exit_code == 4
    assert str(tmp_path) in one_error_line(result)


def test_status_before_a_run_shows_coverage_and_the_next_command(prefetched):
    result = ftm("status", QUARTER, "--root", prefetched.root)
    assert result.exit_code == 0
    assert "ready to run" in result.stdout
    assert "dropped: short" in result.stdout


def test_status_in_the_middle_counts_what_is_done_failed_and_left(prefetched, config):
    run = run_files(prefetched, read_manifest(prefetched, QUARTER), config)
    write_part(run, 0, lambda firm: bare_row(firm, "failed", "ValueError: odd numbers"))
    result = ftm("status", QUARTER, "--root", prefetched.root)
    assert "1 firm left" in result.stdout
    assert "0 done, 1 failed, 0 skipped, 1 left" in result.stdout
    assert "AAA Incorporated (AAA): ValueError: odd numbers" in result.stdout


def test_status_after_a_run_tells_its_quality_and_outputs(prefetched, config):
    run = run_files(prefetched, read_manifest(prefetched, QUARTER), config)
    for number in (0, 1):
        write_part(run, number, two_topics)
    assert json.loads(ftm("status", QUARTER, "--root", prefetched.root, "--json").stdout)["stage"] == "mapped"
    publish(run, config)
    shown = ftm("status", QUARTER, "--root", prefetched.root).stdout
    assert "2024Q1: published" in shown
    assert "2 = 2 done + 0 failed + 0 skipped" in shown
    assert "outliers 0%" in shown
    found = json.loads(ftm("status", QUARTER, "--root", prefetched.root, "--json").stdout)
    assert found["record"]["run_id"] == run.run_id
    assert found["maps"][0]["n_left"] == 0


def test_parts_of_other_transcripts_are_not_counted(prefetched, config, calls):
    run = run_files(prefetched, read_manifest(prefetched, QUARTER), config)
    write_part(run, 0, two_topics)
    calls.write_text(calls.read_text(encoding="utf-8").replace("AAA", "ABA"), encoding="utf-8")
    ftm("prefetch", QUARTER, "--path", calls, "--column", "text=spoken", "--root", prefetched.root)
    found = json.loads(ftm("status", QUARTER, "--root", prefetched.root, "--json").stdout)
    assert (found["stage"], found["n_old_maps"]) == ("prefetched", 1)


def test_what_is_published_from_other_transcripts_is_outdated(prefetched, config, calls):
    run = run_files(prefetched, read_manifest(prefetched, QUARTER), config)
    for number in (0, 1):
        write_part(run, number, two_topics)
    publish(run, config)
    calls.write_text(calls.read_text(encoding="utf-8").replace("AAA", "ABA"), encoding="utf-8")
    ftm("prefetch", QUARTER, "--path", calls, "--column", "text=spoken", "--root", prefetched.root)
    shown = ftm("status", QUARTER, "--root", prefetched.root, columns=200).stdout
    assert "published from transcripts that were since brought in anew; `ftm run 2024Q1" in shown


def write_part(run, number, make_row):
    batch = run.manifest.batches[number]
    firms = run.lake.read_row_group(f"{run.lake.prefetch_dir(QUARTER)}/{batch.chunk}", batch.row_group).to_pylist()
    run.lake.write_table(run.part_path(batch), part_table([make_row(firm) for firm in firms]))


def two_topics(firm):
    half = len(firm["sentences"]) // 2
    return done_row(firm, [0] * half + [1] * half, [topic_vector(0), topic_vector(3)])
