"""A run that holds secrets writes and logs none of them: ROOT on S3, all that is printed with -v, and Ray's own files.

The secrets are the LLM's key, the AWS secret key and session token, and a webhook's address. Each is looked for in
the bytes of every file and in every cell of every table, as it is and in base64.
"""

import base64
import os
import shutil
import tempfile
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import start_ftm
from llm_server import LlmServer, in_its_words
from s3_server import BUCKET, credentials
from sample import QUARTER, SAMPLE
from webhook import SECRET, hook

PREFIX = "planted"
ROOT = f"s3://{BUCKET}/{PREFIX}"
PLANTED = {
    "FTM_LLM_API_KEY": "sk-planted-9f8e7d6c5b4a",
    "AWS_SECRET_ACCESS_KEY": "wJalrPlantedK7MDENGbPxRfiCY",
    "AWS_SESSION_TOKEN": "FwoGZXIvPlantedToken4711",
}
LOOKED_FOR = {
    name: (text.encode(), base64.b64encode(text.encode()).rstrip(b"=")[:-1])
    for name, text in (*PLANTED.items(), ("the webhook", SECRET))
}

#: A stand-in's names are as good as its words: what is asked of them in earnest is none of this test's business.
SETTINGS = """
[gates]
min_llm_ratio = 0.0
min_distinct_labels = 0.0
min_support_auc = 0.0
"""


@pytest.fixture
def folder():
    """Where all that Ray and others put aside lies; short, as Ray's sockets want it."""
    path = Path(tempfile.mkdtemp(prefix="ftm-", dir="/tmp"))
    (path / "settings.toml").write_text(SETTINGS)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def environment(s3_process, folder):
    s3_process.faults.clear()
    usual = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "AWS_PROFILE")}
    return usual | credentials(s3_process, "tester") | PLANTED | {"TMPDIR": str(folder), "RAY_TMPDIR": str(folder)}


def said(environment, *arguments):
    """(exit code, what was printed) of a command in a process of its own, with -v."""
    process = start_ftm("-v", *arguments, environment=environment)
    printed, _ = process.communicate(timeout=600)
    return process.returncode, printed


def leaks(where, content):
    """Which secrets stand in some bytes."""
    return [f"{name} in {where}" for name, forms in LOOKED_FOR.items() if any(form in content for form in forms)]


def cells_of(content):
    """All values of a table, and what its footer says, as text."""
    table = pq.read_table(pa.BufferReader(content))
    return f"{table.schema.metadata}{table.to_pylist()}".encode()


def leaks_of_s3(server):
    """Over all objects under ROOT; there are some of each kind."""
    client = boto3.client(
        "s3", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-west-1"
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    for part in ("prefetch/", "intermediate/firm-topics/", "intermediate/llm-answers/", "processed/", "runs/"):
        assert any(key.startswith(f"{PREFIX}/{part}") for key in keys), part
    found = []
    for key in keys:
        answer = client.get_object(Bucket=BUCKET, Key=key)
        content = answer["Body"].read()
        found += leaks(key, key.encode() + content + str(answer["Metadata"]).encode())
        if key.endswith(".parquet"):
            found += leaks(key, cells_of(content))
    return found


def leaks_of_folder(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [leak for path in files for leak in leaks(path, str(path).encode() + path.read_bytes())]


def test_a_run_writes_and_logs_no_secret(s3_process, environment, folder):
    calls = ("--path", SAMPLE / f"part_a_{QUARTER}.jsonl", "--links", SAMPLE / "links.csv")
    code, printed = said(environment, "prefetch", QUARTER, *calls, "--root", ROOT)
    assert code == 0, printed
    with LlmServer(lambda _, body: in_its_words(body)) as llm, hook(200) as webhook:
        secrets = environment | {"FTM_NOTIFY_WEBHOOK": webhook.address}
        run = ("run", QUARTER, "--root", ROOT, "--llm", llm.url, "--config", folder / "settings.toml")
        code, of_run = said(secrets, *run, "--workers", 1)
        assert code == 0, of_run
        assert webhook.texts, "nobody was told"
        assert set(llm.keys) == {f"Bearer {PLANTED['FTM_LLM_API_KEY']}"}, "the key was not used"
        code, again = said(secrets, "status", QUARTER, "--root", ROOT, "--json")
        assert code == 0, again
    sessions = list((folder / "ray").glob("session_2*"))
    assert sessions and any((sessions[0] / "logs").rglob("*.log")), "Ray wrote its files elsewhere"
    assert leaks("what was printed", (printed + of_run + again).encode()) == []
    assert leaks_of_s3(s3_process) == []
    assert leaks_of_folder(folder) == []


def test_an_endpoint_and_a_webhook_that_repeat_secrets_are_not_repeated(environment, folder):
    """Some servers say the key that they refuse."""

    def refuse(*_):
        return 401, {"error": {"message": f"Incorrect API key provided: {PLANTED['FTM_LLM_API_KEY']}"}}, {}

    with LlmServer(refuse) as llm, hook(403) as webhook:
        secrets = environment | {"FTM_NOTIFY_WEBHOOK": webhook.address}
        code, of_run = said(secrets, "run", QUARTER, "--root", ROOT, "--llm", llm.url)
        assert code != 0 and "error: " in of_run, of_run
        code, of_doctor = said(secrets, "doctor", "--llm", llm.url, "--notify")
        assert code != 0 and "FTM_NOTIFY_WEBHOOK" in of_doctor, of_doctor
    assert leaks("what was printed", (of_run + of_doctor).encode()) == []
    assert leaks_of_folder(folder) == []
