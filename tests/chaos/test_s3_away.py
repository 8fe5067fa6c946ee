"""ROOT on S3, which answers badly, goes away, or no longer knows the credentials. The command starts its own Ray."""

import os
import threading
import time

import pytest
from s3_server import BUCKET, Fault, credentials
from sample import QUARTER
from scene import STATES, Case, asked

KIND = "S3"

#: Answers are written each second, and no more is asked once a file has taken two; what comes until then is lost.
_NOTICED_S = 4.0

#: So slow that most of the questions are still to be asked by then, four at a time.
_ANSWER_S = 1.5


@pytest.fixture
def case_on_s3(s3, calm_roots, llm, settings, row, request, monkeypatch):
    """Make a case of a run whose ROOT is a copy of the state before the first name."""
    import boto3

    def make(harm: str) -> Case:
        row.kind, row.harm = KIND, harm
        name = request.node.name
        client = boto3.client("s3", endpoint_url=s3.url, region_name="eu-west-1")
        for folder in STATES["named"]:
            for path in sorted((calm_roots[1] / folder).rglob("*")):
                if path.is_file():
                    client.upload_file(str(path), BUCKET, f"{name}/{path.relative_to(calm_roots[1])}")
        root = s3.root(name)
        arguments = ("run", QUARTER, "--root", root, "--config", str(settings))
        environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"} | credentials(s3, "tester")
        return Case(root, arguments, environment, llm, row)

    return make


def struck_run(case: Case, s3, faults: list[Fault], for_s: float) -> tuple[int, str]:
    """A run that meets the faults after nine questions, for so many seconds."""
    process = case.start()
    case.wait_for(process, asked(9))
    case.llm.delay_s, usual = _ANSWER_S, case.llm.delay_s
    s3.faults += faults
    fell = time.monotonic()
    n_asked = []

    def come_back():
        n_asked.append(len(case.llm.asked))
        s3.faults.clear()

    back = threading.Timer(for_s, come_back)
    back.start()
    time.sleep(_NOTICED_S)
    case.struck(fell)
    n_noticed = len(case.llm.asked)
    output, _ = process.communicate(timeout=900)
    if back.is_alive():  # the command did not outlast it
        back.cancel()
        come_back()
    case.llm.delay_s = usual
    assert n_asked == [n_noticed], "it went on asking though no answer could be kept"
    assert "Traceback" not in output, output
    return process.returncode, output


@pytest.mark.parametrize("kind", ["503 SlowDown", "reset"])
def test_away_for_half_a_minute(case_on_s3, s3, calm, kind):
    case = case_on_s3(f"{kind} to every call for 30 s, or until the command ends, after 9 questions")
    code, output = struck_run(case, s3, [Fault(kind, times=-1)], for_s=30)
    case.row.harm += "; the run outlasted it" if code == 0 else "; the command ended with one sentence, given again"
    assert code in (0, 4), output
    case.finish()
    case.check(calm)


def test_credentials_expire(case_on_s3, s3, calm):
    case = case_on_s3("credentials expire after 9 questions; new ones for the second command")
    code, output = struck_run(case, s3, [Fault("400 ExpiredToken", times=-1)], for_s=600)
    assert code == 4 and "have expired; log in again" in output, output
    case.finish()
    case.check(calm)


def test_a_killed_driver(case_on_s3, calm):
    case = case_on_s3("SIGKILL of the driver after 9 and 20 questions; its lock is taken over on the same machine")
    case.kill_driver(asked(9))
    case.kill_driver(asked(11))
    case.finish()
    case.check(calm)
