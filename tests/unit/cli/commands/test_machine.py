"""`ftm doctor`: what works, what does not, and what to do."""

import json

from command import ftm, one_error_line
from webhook import SECRET, hook


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


def test_doctor_sends_a_trial_message(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with hook(200, 404) as webhook:
        monkeypatch.setenv("FTM_NOTIFY_WEBHOOK", webhook.address)
        assert ftm("doctor").exit_code == 0
        assert webhook.texts == []
        assert "took a message" in ftm("doctor", "--notify", columns=200).stdout
        assert webhook.texts == ["A trial message of `ftm doctor --notify`: it arrived."]
        refused = ftm("doctor", "--notify", columns=200)
    assert refused.exit_code == 4
    assert "answered 404 Not Found" in refused.stdout
    assert SECRET not in refused.output
