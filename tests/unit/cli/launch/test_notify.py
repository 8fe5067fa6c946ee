"""Who is told of a run's end: over real HTTP, by real SNS calls, and never at the price of the run."""

import time
import traceback

import boto3
import pytest
from ec2 import account
from invented import QUARTER
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends
from published import publish
from webhook import SECRET, hook

from ftm_ray.cli.launch import notify
from ftm_ray.cli.launch.notify import notification_findings, told
from ftm_ray.config import NotifySettings
from ftm_ray.errors import ConfigError, QualityError
from ftm_ray.lake.runs import run_ids
from ftm_ray.run.pipeline import RunOutcome

HERE = "FTM_NOTIFY_WEBHOOK"
DEFAULTS = NotifySettings()


@pytest.fixture(autouse=True)
def short_pause(monkeypatch):
    monkeypatch.setattr(notify, "_PAUSE_S", 0.01)


def end_with(error=None, settings=DEFAULTS, outcome=None):
    """A run that ends so."""
    with told("s3://bucket/ftm", QUARTER, settings) as tell:
        if error is not None:
            raise error
        tell(outcome)


def test_a_published_quarter_is_told_with_counts_and_the_command_to_look_next(monkeypatch, six_firms_run, config):
    run = publish(six_firms_run, config)
    record = run.lake.read_json(run.lake.run_file(QUARTER, run.run_id))
    with hook(200) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        end_with(outcome=RunOutcome(record, already_done=False))
    lines = webhook.texts[0].splitlines()
    assert lines[0] == f"{QUARTER} is published, in 0 s"
    assert lines[1].startswith(f"firms: {record['counts']['n_firms']} = ")
    assert [line.partition(":")[0] for line in lines[1:]] == [
        *("firms", "topics", "themes", "named by", "quality", "run", "next")
    ]
    assert lines[-1] == f"next: ftm themes {QUARTER} --root s3://bucket/ftm"


def test_a_refused_run_is_told_with_its_gate_and_what_to_do(monkeypatch):
    error = QualityError("the LLM named 3 of 9 topics, fewer than min_llm_ratio 0.98\nits worst:\n'what a CEO said'")
    with hook(200) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        with pytest.raises(QualityError):
            end_with(error)
    (text,) = webhook.texts
    assert text.splitlines()[0].startswith(f"{QUARTER} was refused by a quality gate after 0 s")
    assert "min_llm_ratio 0.98" in text
    assert "CEO" not in text
    assert text.endswith(f"next: ftm status {QUARTER} --root s3://bucket/ftm")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError("no model <!channel> & more"), "no model &lt;!channel&gt; &amp; more"),
        (RuntimeError("a bug\nwith lines"), "RuntimeError: a bug"),
        (KeyboardInterrupt(), "was stopped after 0 s; the same command goes on"),
    ],
)
def test_other_ends_are_told_and_go_on_their_way(monkeypatch, error, said):
    with hook(200) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        with pytest.raises(type(error)):
            end_with(error)
    assert said in webhook.texts[0]


def test_what_was_done_before_is_no_news(monkeypatch):
    with hook(200) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        end_with(outcome=RunOutcome({}, already_done=True))
    assert webhook.texts == []


def warnings_of(caplog, settings=DEFAULTS):
    """What is logged of a run that is refused; the run's own error is what comes out, whatever the webhook does."""
    caplog.clear()
    with pytest.raises(QualityError, match="too few") as raised:
        end_with(QualityError("too few"), settings)
    everything = caplog.text + "".join(traceback.format_exception(raised.value))
    assert SECRET not in everything
    return [record.message for record in caplog.records if record.levelname == "WARNING"]


def test_a_passing_fault_is_tried_once_more(monkeypatch, caplog):
    with hook(500, 200) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        assert warnings_of(caplog) == []
    assert len(webhook.texts) == 2


@pytest.mark.parametrize(
    ("code", "n_tries", "reason"),
    [
        (500, 2, "it answered 500 Internal Server Error"),
        (429, 2, "it answered 429 Too Many Requests"),
        (404, 1, "it answered 404 Not Found"),
        (599, 2, "it answered 599 unknown"),
    ],
)
def test_a_webhook_that_refuses_is_one_warning(monkeypatch, caplog, code, n_tries, reason):
    with hook(code) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        assert warnings_of(caplog) == [f"the webhook in {HERE} was not told that the run ended: {reason}"]
    assert len(webhook.texts) == n_tries


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(monkeypatch, caplog, code):
    with hook(200) as elsewhere, hook(code, location=elsewhere.address) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        (warning,) = warnings_of(caplog)
    assert "a redirect is not followed" in warning
    assert elsewhere.texts == []


def test_a_webhook_that_hangs_costs_two_time_limits_and_no_more(monkeypatch, caplog):
    monkeypatch.setattr(notify, "_TIMEOUT_S", 0.3)
    with hook(0) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        start = time.monotonic()
        (warning,) = warnings_of(caplog)
        assert time.monotonic() - start < 3
    assert "no answer within" in warning
    assert len(webhook.texts) == 2


def test_who_stops_a_run_waits_for_one_try(monkeypatch):
    with hook(503) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        with pytest.raises(KeyboardInterrupt):
            end_with(KeyboardInterrupt())
    assert len(webhook.texts) == 1


def test_a_record_that_cannot_be_told_is_a_warning(monkeypatch, caplog):
    with hook(200) as webhook:
        monkeypatch.setenv(HERE, webhook.address)
        end_with(outcome=RunOutcome({"run_id": "of another version"}, already_done=False))
    assert webhook.texts == []
    assert "nobody was told that the run ended: KeyError" in caplog.text


def test_nobody_listens_there(monkeypatch, caplog):
    monkeypatch.setenv(HERE, f"http://127.0.0.1:9/{SECRET}")
    (warning,) = warnings_of(caplog)
    assert "Connection refused" in warning


@pytest.mark.parametrize("address", [SECRET, f"ftp://host/{SECRET}", f"http://host:{SECRET}/", f"https://h/{SECRET} b"])
def test_what_is_no_address_is_never_repeated(monkeypatch, caplog, address):
    monkeypatch.setenv(HERE, address)
    assert len(warnings_of(caplog)) == 1


def test_without_settings_nothing_happens(monkeypatch, caplog):
    monkeypatch.delenv(HERE, raising=False)
    assert warnings_of(caplog) == []
    assert [finding.status for finding in notification_findings(NotifySettings())] == ["fail"]


def test_sns_is_told_in_the_region_of_the_topic(monkeypatch, caplog):
    monkeypatch.delenv(HERE, raising=False)
    region = "eu-west-1"  # not the one of the environment
    with account():
        arn = boto3.client("sns", region_name=region).create_topic(Name="runs")["TopicArn"]
        assert warnings_of(caplog, NotifySettings(sns_topic=arn)) == []
        sent = sns_backends[DEFAULT_ACCOUNT_ID][region].topics[arn].sent_notifications
        ((_, message, subject, *_),) = sent
        assert message.splitlines()[1] == "too few"
        assert subject == message.splitlines()[0]
        found = notification_findings(NotifySettings(sns_topic=arn))
        assert [(finding.status, "SNS topic runs" in finding.seen) for finding in found] == [("ok", True)]
        gone = NotifySettings(sns_topic=arn.replace(":runs", ":gone"))
        assert warnings_of(caplog, gone) == [
            "the SNS topic gone was not told that the run ended: SNS answered NotFound"
        ]


def test_no_credentials_are_one_warning(monkeypatch, caplog):
    monkeypatch.delenv(HERE, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    settings = NotifySettings(sns_topic="arn:aws:sns:us-east-2:123456789012:runs")
    (warning,) = warnings_of(caplog, settings)
    assert "credentials" in warning


@pytest.mark.parametrize(
    "arn", ["runs", "arn:aws:sqs:us-east-2:123456789012:runs", "arn:aws:sns:us-east-2:1:runs.fifo"]
)
def test_what_is_no_topic_is_refused(arn):
    with pytest.raises(ValueError, match="ARN of a standard SNS topic"):
        NotifySettings(sns_topic=arn)


def test_an_address_in_the_configuration_is_refused_and_not_repeated():
    from ftm_ray.config import load_config

    with pytest.raises(ConfigError, match="name of an environment variable") as raised:
        load_config(None, {"notify.webhook_variable": f"https://host/{SECRET}"})
    assert SECRET not in str(raised.value)


def test_who_is_told_changes_no_id(six_firms_run, config):
    other = NotifySettings(webhook_variable=None, sns_topic="arn:aws:sns:us-east-2:123456789012:runs")
    with_others = config.model_copy(update={"notify": other})
    assert run_ids(with_others, six_firms_run.manifest) == run_ids(config, six_firms_run.manifest)
