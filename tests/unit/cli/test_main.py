"""The `ftm` command: exit codes, one line of error, screens that fit 80 columns, JSON for scripts. Ray never starts."""

import json
import pickle
import subprocess
import sys

import pytest
from command import ftm, one_error_line
from invented import QUARTER
from published import publish

from ftm_ray.cli.main import cli
from ftm_ray.errors import SourceError

SENTENCES = f"processed/sentences/quarter={QUARTER}/part-00001.parquet"


@pytest.fixture
def published(six_firms_run, config):
    return publish(six_firms_run, config)


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
    modules = "ftm_ray.cli.main, ftm_ray.cli.screens, ftm_ray.results.theme_trace, ftm_ray.results.verify.quarter"
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"ray", "torch", "umap", "bertopic", "openai", "sklearn"} & set(loaded)


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


def test_an_llm_that_is_neither_a_word_nor_a_url_is_a_usage_error(tmp_path):
    result = ftm("run", QUARTER, "--root", tmp_path, "--llm", "gpt")
    assert result.exit_code == 2
    assert "expected none, serve, or a URL" in one_error_line(result)


def test_a_typo_in_the_configuration_is_not_taken_for_a_default(tmp_path):
    config = tmp_path / "run.toml"
    config.write_text("[topics]\nmin_clustersize = 6\n", encoding="utf-8")
    result = ftm("run", QUARTER, "--root", tmp_path, "--config", config)
    assert result.exit_code == 2
    assert "topics.min_clustersize" in one_error_line(result)


def test_a_finished_run_is_shown_again_and_says_who_named_the_topics(published, monkeypatch):
    from ftm_ray.run.pipeline import RunOutcome

    record = published.lake.read_json(published.lake.run_file(QUARTER, published.run_id))
    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", lambda *_: RunOutcome(record, already_done=True))
    result = ftm("run", QUARTER, "--root", published.lake.root)
    assert result.exit_code == 0
    assert "was done already" in result.stdout
    assert "no LLM: topics are named by keywords" in result.stdout
    assert f"ftm trace {QUARTER}-0001 --root {published.lake.root}" in result.stdout
    as_json = json.loads(ftm("run", QUARTER, "--root", published.lake.root, "--json").stdout)
    assert as_json["already_done"] is True
    assert as_json["record"]["run_id"] == published.run_id


@pytest.mark.parametrize(
    ("root", "quoted", "shown"),
    [
        ("s3://b/p/", "s3://b/p/", "s3://b/p"),
        ("s3://b/p?sse=aws:kms:alias/ftm", "'s3://b/p?sse=aws:kms:alias/ftm'", "s3://b/p"),
        ("my lake/", "'my lake/'", "my lake"),
    ],
)
def test_commands_and_paths_on_screens_can_be_copied(published, monkeypatch, root, quoted, shown):
    from ftm_ray.run.pipeline import RunOutcome

    record = published.lake.read_json(published.lake.run_file(QUARTER, published.run_id))
    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", lambda *_: RunOutcome(record, already_done=True))
    lines = ftm("run", QUARTER, "--root", root).stdout.splitlines()
    assert f"ftm verify {QUARTER} --root {quoted}" in lines
    paths = [line.split(maxsplit=1)[1] for line in lines if line.startswith(("tables ", "record "))]
    assert [path.removeprefix(shown).split("/")[1] for path in paths] == ["processed", "runs"]
    assert all(path.startswith(f"{shown}/") for path in paths)


def test_ctrl_c_says_that_the_same_command_goes_on(monkeypatch, tmp_path):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", stopped)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


def test_an_error_that_crossed_ray_comes_out_as_itself(monkeypatch, tmp_path):
    from ray.exceptions import RayTaskError

    def failed(*_):
        cause = SourceError("the disk is full")
        cause.args = (f"{cause}\nFailed to apply UDF transform after 1/1 attempts.",)  # as Ray Data does
        cause = pickle.loads(pickle.dumps(cause))
        raise RayTaskError("publish", "Traceback (most recent call last): ...", cause).as_instanceof_cause()

    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", failed)
    result = ftm("run", QUARTER, "--root", tmp_path)
    assert result.exit_code == 4
    assert one_error_line(result) == "error: the disk is full"


def test_a_lost_worker_can_be_tried_again(monkeypatch, tmp_path):
    from ray.exceptions import RayActorError

    def lost(*_):
        raise RayActorError

    monkeypatch.setattr("ftm_ray.run.pipeline.run_quarter", lost)
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


def test_doctor_makes_no_folder(tmp_path):
    assert "can be written" in ftm("doctor", "--root", tmp_path / "new", columns=200).stdout
    assert not (tmp_path / "new").exists()


def test_doctor_says_what_to_do_where_something_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    blocked = tmp_path / "file"
    blocked.touch()
    result = ftm("doctor", "--root", blocked / "below", "--llm", "http://127.0.0.1:9/v1", columns=200)
    assert result.exit_code == 4
    assert "Ray, storage, LLM" in one_error_line(result)
    assert "does the URL end in /v1" in result.stdout
    assert "unset RAY_ADDRESS" in result.stdout
