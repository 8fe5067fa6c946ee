"""`ftm run`: wrong options, and what is shown of a run. Ray never starts."""

import json

import pytest
from command import ftm, one_error_line
from invented import QUARTER


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


def test_prices_that_are_wrong_are_said_before_any_work(tmp_path):
    prices = tmp_path / "mine.toml"
    prices.write_text('[nodes]\n"g6.xlarge" = -1\n')
    result = ftm("run", "2024Q1", "--root", tmp_path, "--llm", "none", "--prices", prices)
    assert result.exit_code == 2
    assert "nodes.g6.xlarge" in result.stderr and "docs/plan.md" in result.stderr
