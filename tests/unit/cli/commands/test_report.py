"""`ftm report`: where the page lands, what the command says of it, and what it refuses."""

from command import ftm, one_error_line
from invented import QUARTER
from published import NEXT, copy_run


def test_the_page_lands_where_it_is_told_and_the_command_says_what_it_holds(published, tmp_path):
    path = tmp_path / "page.html"
    result = ftm("report", QUARTER, "--root", published.lake.root, "--out", path)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{path}: 2 themes and 18 topics of {QUARTER}, ")
    assert "sentences as spoken" in result.stdout
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_exemplars_it_says_so_and_several_quarters_are_named(published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy_run(published.lake, published.lake, published.run_id, NEXT)
    result = ftm("report", NEXT, "--from", QUARTER, "--root", published.lake.root, "--exemplars", 0)
    assert f"36 topics of {QUARTER}, {NEXT}, no spoken word" in result.stdout
    assert (tmp_path / f"report-{NEXT}.html").exists()


def test_quarters_the_wrong_way_round_are_refused(published):
    result = ftm("report", QUARTER, "--from", NEXT, "--root", published.lake.root)
    assert result.exit_code == 2
    assert f"--from {NEXT} is after {QUARTER}" in one_error_line(result)


def test_a_quarter_that_is_not_published_is_refused(published):
    result = ftm("report", "2020Q1", "--root", published.lake.root)
    assert result.exit_code == 4
    assert "2020Q1" in one_error_line(result)


def test_a_page_that_cannot_be_written_is_an_error_of_the_user(published, tmp_path):
    result = ftm("report", QUARTER, "--root", published.lake.root, "--out", tmp_path / "no" / "page.html")
    assert result.exit_code == 2
    assert "give another file with --out" in one_error_line(result)
