"""`ftm prefetch --from wrds`: options, what is shown, exit codes, and where credentials may not turn up."""

import json
import logging
import sys

import pytest
from command import ftm, one_error_line
from standin import QUARTER

from ftm_ray.cli.launch import wrds
from ftm_ray.errors import SourceError
from ftm_ray.lake.locks import QuarterLock
from ftm_ray.lake.storage import Lake


def prefetch(root, *options, **kwargs):
    return ftm("prefetch", QUARTER, "--from", "wrds", "--root", root, *options, **kwargs)


def test_a_dry_run_counts_and_writes_nothing(wrds_cases, tmp_path):
    root = tmp_path / "lake"
    result = prefetch(root, "--dry-run", columns=120)
    assert result.exit_code == 0
    for part in (
        "WRDS lists 15 calls of 12 firms in 2023Q1 (dry run",
        "12 calls of 10 firms, 22 rows",
        "no_gvkey      1 call",
        "other_permno  1 call",
        "2 calls with n_link > 1",
        "No Key SA (1004), Delisted Co. (1011)",
    ):
        assert part in result.stdout
    assert not root.exists()
    counts = json.loads(prefetch(root, "--dry-run", "--json", "--keep-unlinked").stdout)
    assert (counts["n_calls_read"], counts["n_rows"], counts["left_out"]) == (14, 24, {"other_permno": 1})


def test_prefetch_shows_links_and_coverage_and_the_next_command_needs_no_login(wrds_cases, tmp_path, monkeypatch):
    result = prefetch(tmp_path)
    assert result.exit_code == 0
    assert "WRDS lists 15 calls" in result.stdout
    assert "2023Q1 is ready: 1 firm, 1 call" in result.stdout
    assert "Without titles" not in result.stderr
    assert "Approve the Duo push" in result.stderr
    monkeypatch.setenv("PGHOST", "/nonexistent")
    again = prefetch(tmp_path)
    assert again.exit_code == 0
    assert "was ready; no change" in again.stdout
    assert "Duo" not in again.stderr
    (tmp_path / Lake.prefetch_dir(QUARTER) / "manifest.json").unlink()  # as after another version of ftm-ray
    assert prefetch(tmp_path).exit_code == 0
    value = json.loads(prefetch(tmp_path, "--json").stdout)
    assert value["manifest"]["source"] == "wrds"
    assert value["wrds"]["unlinked_firms"] == {"1004": "No Key SA", "1011": "Delisted Co."}
    refused = prefetch(tmp_path, "--as-of", "2023-03-31")
    assert refused.exit_code == 4  # another request is another fetch, and there is no server


def test_an_account_that_may_not_read_titles_is_told_and_served(wrds_cases, tmp_path):
    wrds_cases.execute("ALTER TABLE ciq.ciqprofessional RENAME TO hidden")
    try:
        result = prefetch(tmp_path)
    finally:
        wrds_cases.execute("ALTER TABLE ciq.hidden RENAME TO ciqprofessional")
    assert result.exit_code == 0
    assert "Without titles of people (the schema ciq has no table ciqprofessional" in " ".join(result.stderr.split())


def test_status_shows_firms_that_were_left_out_for_their_links(wrds_cases, tmp_path):
    assert prefetch(tmp_path).exit_code == 0
    shown = ftm("status", QUARTER, "--root", tmp_path, columns=120).stdout
    for reason in ("no_gvkey", "no_permno", "other_permno"):
        assert f"dropped: {reason}" in shown


def test_nobody_else_can_fetch_the_same_quarter_meanwhile(wrds_cases, tmp_path, monkeypatch):
    """The second is turned away before it logs in, and what the first fetches is whole."""
    fetch = wrds.fetch_quarter
    second = []

    def asked_again(*arguments):
        second.append(prefetch(tmp_path, "--keep-unlinked"))
        fetch(*arguments)

    monkeypatch.setattr(wrds, "fetch_quarter", asked_again)
    assert prefetch(tmp_path).exit_code == 0
    assert second[0].exit_code == 4
    assert "the quarter is locked" in one_error_line(second[0])
    assert "Duo" not in second[0].stderr
    assert Lake(str(tmp_path)).list_files("locks") == []


def test_a_fetch_that_lost_its_lock_stops(wrds_cases, tmp_path, monkeypatch):
    fetch = wrds.fetch_quarter

    def lost(lake, quarter, settings, database, on_step):
        monkeypatch.setattr(QuarterLock, "check", lambda self: (_ for _ in ()).throw(SourceError("taken over")))
        fetch(lake, quarter, settings, database, on_step)

    monkeypatch.setattr(wrds, "fetch_quarter", lost)
    result = prefetch(tmp_path)
    assert result.exit_code == 4
    assert "taken over" in one_error_line(result)
    assert not list(tmp_path.rglob("turns_*.parquet"))


def test_the_list_of_another_request_is_not_shown(wrds_cases, tmp_path, monkeypatch):
    """The store is whole, but what lies beside it was fetched for a request that then failed."""
    assert prefetch(tmp_path).exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(wrds, "prefetch_under", lambda *_: (_ for _ in ()).throw(SourceError("the disk is full")))
        assert prefetch(tmp_path, "--keep-unlinked").exit_code == 4
    again = prefetch(tmp_path)
    assert again.exit_code == 0
    assert "was ready; no change" in again.stdout
    assert "WRDS lists" not in again.stdout
    assert "wrds" not in json.loads(prefetch(tmp_path, "--json").stdout)


def test_firms_limit_and_as_of(wrds_cases, tmp_path):
    firms = tmp_path / "firms.txt"
    firms.write_text("permno\n10002\n10010\n")
    counts = json.loads(prefetch(tmp_path, "--dry-run", "--json", "--firms", firms).stdout)
    assert (counts["n_firms_read"], counts["left_out"]["not_asked"]) == (2, 12)
    counts = json.loads(prefetch(tmp_path, "--dry-run", "--json", "--limit", 3, "--as-of", "2023-02-11").stdout)
    assert (counts["n_firms_read"], counts["n_not_final"]) == (3, 1)


def test_credentials_turn_up_nowhere(wrds_cases, tmp_path, monkeypatch, caplog):
    user, password = "secretive_jo", "correct-horse-battery"
    wrds_cases.execute(
        f"DROP ROLE IF EXISTS {user}", f"CREATE ROLE {user} LOGIN PASSWORD '{password}'", f"GRANT postgres TO {user}"
    )
    monkeypatch.setenv("PGUSER", user)
    monkeypatch.setenv("PGPASSWORD", password)
    caplog.set_level(logging.DEBUG)
    with wrds_cases.login_rule(f"local all {user} scram-sha-256"):
        good = ftm("-v", "prefetch", QUARTER, "--from", "wrds", "--root", tmp_path)
        monkeypatch.setenv("PGPASSWORD", f"{password}-wrong")
        bad = ftm("-v", "prefetch", QUARTER, "--from", "wrds", "--root", tmp_path / "other")
    wrds_cases.execute(f"DROP ROLE {user}")
    assert (good.exit_code, bad.exit_code) == (0, 4)
    assert "the password is wrong" in one_error_line(bad)
    texts = [good.output, good.stderr, bad.output, bad.stderr]
    texts += [record.getMessage() for record in caplog.records if record.name.startswith("ftm_ray")]
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 10
    for text in texts:
        assert user not in text
        assert password not in text


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--path", "calls.csv"], 2, "--path is for files"),
        (["--column", "text=body"], 2, "--column is for files"),
        (["--links", "links.csv"], 2, "--links is for files"),
        (["--schema", "transcript=ciq"], 2, "expected one of transcripts, gvkey, links"),
        (["--schema", "links="], 2, "--schema links="),
        (["--firms", "/nonexistent"], 2, "cannot read the list of firms"),
        (["--schema", "links=crsp_q"], 4, "there is no schema crsp_q"),
        (["--limit", "0"], 2, None),
        (["--as-of", "yesterday"], 2, None),
    ],
)
def test_what_is_wrong_with_the_command_is_said_in_one_line(wrds_cases, tmp_path, options, code, message):
    result = prefetch(tmp_path, *options)
    assert result.exit_code == code
    if message:
        assert message in one_error_line(result)


def test_nobody_to_ask_for_a_name(wrds_cases, tmp_path, monkeypatch):
    monkeypatch.delenv("PGUSER")
    result = prefetch(tmp_path)
    assert result.exit_code == 4
    assert "no WRDS user name; set PGUSER" in one_error_line(result)
    monkeypatch.setenv("PGUSER", "nobody_here")
    assert "refused the connection (role this user does not exist)" in one_error_line(prefetch(tmp_path))


def test_without_psycopg_it_says_what_to_install(wrds_cases, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "ftm_ray.sources.wrds.database", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    result = prefetch(tmp_path)
    assert result.exit_code == 2
    assert "pip install -c constraints.txt -e '.[wrds]'" in one_error_line(result)


def test_the_screen_fits_the_window(wrds_cases, tmp_path):
    for columns in (80, 120):
        shown = prefetch(tmp_path, "--dry-run", columns=columns).stdout
        assert max(len(line) for line in shown.splitlines()) <= columns
