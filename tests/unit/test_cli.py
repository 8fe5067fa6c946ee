"""The `ftm` command: exit codes, one line of error, screens that fit 80 columns, JSON for scripts. Ray never starts."""

import csv
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from invented import QUARTER, SUBJECTS, bare_row, done_row, part_table, run_files, topic_vector
from published import publish

from ftm_ray.cli import cli
from ftm_ray.errors import SourceError
from ftm_ray.sources.manifest import read_manifest

SENTENCES = f"processed/sentences/quarter={QUARTER}/part-00001.parquet"


def ftm(*arguments, columns=80):
    """Run the command as a person would, in a window of so many columns."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], env={"COLUMNS": str(columns)})


def one_error_line(result):
    """The error of a command: one line on standard error, and nothing that looks like Python."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    return lines[0]


@pytest.fixture
def published(six_firms_run, config):
    return publish(six_firms_run, config)


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


# --- all commands --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_explains_itself_with_an_example(command):
    result = ftm(command, "--help")
    assert result.exit_code == 0
    assert f"    ftm {command} " in result.stdout


@pytest.mark.parametrize("command", ["run", "status", "themes", "verify"])
def test_a_quarter_must_read_like_one(command, tmp_path):
    result = ftm(command, "2024-Q1", "--root", tmp_path)
    assert result.exit_code == 2
    assert "such as 2023Q1" in one_error_line(result)


@pytest.mark.parametrize("command", ["run", "status", "themes", "verify"])
def test_a_root_without_the_quarter_says_what_to_run_first(command, tmp_path):
    result = ftm(command, QUARTER, "--root", tmp_path / "nothing")
    assert result.exit_code == 4
    assert f"`ftm {'prefetch' if command in ('run', 'status') else 'run'} {QUARTER}" in one_error_line(result)


def test_help_and_results_load_no_heavy_library():
    code = "import sys, ftm_ray.cli, ftm_ray.screens, ftm_ray.results, ftm_ray.verify; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"ray", "torch", "umap", "bertopic", "openai", "sklearn"} & set(loaded)


# --- prefetch and status -------------------------------------------------------------------------------------------


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


def write_part(run, number, make_row):
    batch = run.manifest.batches[number]
    firms = run.lake.read_row_group(f"{run.lake.prefetch_dir(QUARTER)}/{batch.chunk}", batch.row_group).to_pylist()
    run.lake.write_table(run.part_path(batch), part_table([make_row(firm) for firm in firms]))


def two_topics(firm):
    half = len(firm["sentences"]) // 2
    return done_row(firm, [0] * half + [1] * half, [topic_vector(0), topic_vector(3)])


# --- themes, trace, verify -----------------------------------------------------------------------------------------


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
    path = f"processed/themes/quarter={QUARTER}/part-00000.parquet"
    themes = published.lake.read_table(path)
    labels = [f"[bold]{number}[/nothing]" for number in range(themes.num_rows)]
    at = themes.schema.get_field_index("label")
    published.lake.write_table(path, themes.set_column(at, themes.schema.field(at), [labels]))
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


# --- run -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("llm", "said"), [("serve", "--llm URL"), ("gpt", "expected none, serve, or a URL")])
def test_an_llm_that_cannot_be_used_is_a_usage_error(llm, said, tmp_path):
    result = ftm("run", QUARTER, "--root", tmp_path, "--llm", llm)
    assert result.exit_code == 2
    assert said in one_error_line(result)


def test_a_typo_in_the_configuration_is_not_taken_for_a_default(tmp_path):
    config = tmp_path / "run.toml"
    config.write_text("[topics]\nmin_clustersize = 6\n", encoding="utf-8")
    result = ftm("run", QUARTER, "--root", tmp_path, "--config", config)
    assert result.exit_code == 2
    assert "topics.min_clustersize" in one_error_line(result)


def test_a_finished_run_is_shown_again_and_says_who_named_the_topics(published, monkeypatch):
    from ftm_ray.pipeline import RunOutcome

    record = published.lake.read_json(published.lake.run_file(QUARTER, published.run_id))
    monkeypatch.setattr("ftm_ray.pipeline.run_quarter", lambda *_: RunOutcome(record, already_done=True))
    result = ftm("run", QUARTER, "--root", published.lake.root)
    assert result.exit_code == 0
    assert "was done already" in result.stdout
    assert "no LLM: topics are named by keywords" in result.stdout
    assert f"ftm trace {QUARTER}-0001 --root {published.lake.root}" in result.stdout
    as_json = json.loads(ftm("run", QUARTER, "--root", published.lake.root, "--json").stdout)
    assert as_json["already_done"] is True
    assert as_json["record"]["run_id"] == published.run_id


def test_ctrl_c_says_that_the_same_command_goes_on(monkeypatch, tmp_path):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ftm_ray.pipeline.run_quarter", stopped)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


def test_an_error_that_crossed_ray_comes_out_as_itself(monkeypatch, tmp_path):
    from ray.exceptions import RayTaskError

    def failed(*_):
        cause = SourceError("the disk is full")
        raise RayTaskError("publish", "Traceback (most recent call last): ...", cause).as_instanceof_cause()

    monkeypatch.setattr("ftm_ray.pipeline.run_quarter", failed)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 4
    assert one_error_line(result) == "error: the disk is full"


def test_a_lost_worker_can_be_tried_again(monkeypatch, tmp_path):
    from ray.exceptions import RayActorError

    def lost(*_):
        raise RayActorError

    monkeypatch.setattr("ftm_ray.pipeline.run_quarter", lost)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 4
    assert "the same command goes on" in one_error_line(result)


# --- doctor --------------------------------------------------------------------------------------------------------


def test_doctor_tells_what_works_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    findings = json.loads(ftm("doctor", "--root", tmp_path, "--json").stdout)
    status = {finding["name"]: finding["status"] for finding in findings}
    assert status["encoder"] == status["storage"] == status["Ray"] == "ok"
    assert status["LLM"] == "skip"
    assert list(tmp_path.iterdir()) == []


def test_doctor_says_what_to_do_where_something_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    blocked = tmp_path / "file"
    blocked.touch()
    result = ftm("doctor", "--root", blocked / "below", "--llm", "http://127.0.0.1:9/v1", columns=200)
    assert result.exit_code == 4
    assert "Ray, storage, LLM" in one_error_line(result)
    assert "does the URL end in /v1" in result.stdout
    assert "unset RAY_ADDRESS" in result.stdout
