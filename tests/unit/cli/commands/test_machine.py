"""`ftm doctor`: what works, what does not, and what to do."""

import json

from command import ftm, one_error_line


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
