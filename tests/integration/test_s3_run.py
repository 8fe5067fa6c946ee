"""A quarter on `s3://`: prefetch, a run that expires half-way, the same command again through faults, and all that
reads. The prefetch machine, the head, the workers, and a researcher who only reads have credentials of their own, so
that each call can be held against the policy file of who made it. Each test goes on from what those before it left.
"""

import asyncio
import json
import logging

import pytest
from command import ftm, one_error_line
from iam import grants
from invented import QUARTER as SIX_FIRMS_QUARTER
from invented import run_files, write_six_firms, write_six_parts
from llm_server import LlmServer, in_its_words
from s3_server import BUCKET, Fault, credentials
from sample import QUARTER, SAMPLE
from standin import QUARTER as WRDS_QUARTER

from ftm_ray.lake.storage import Lake
from ftm_ray.naming.kept_answers import AnswerStore, KeptAnswer
from ftm_ray.run.reduce import ThemePublisher

PREFIX = "teams/ftm"
ROOT = f"s3://{BUCKET}/{PREFIX}"
MACHINES = ("prefetch", "head", "workers", "reader")


@pytest.fixture(scope="module")
def server(s3_process, ray_cluster):
    s3_process.faults.clear()
    s3_process.calls.clear()
    return s3_process


@pytest.fixture(autouse=True)
def as_head(server, monkeypatch):
    """Commands run on the head, unless a test says otherwise."""
    server.faults.clear()
    act_as(server, "head", monkeypatch)


def act_as(server, who, monkeypatch):
    for name, value in credentials(server, who).items():
        monkeypatch.setenv(name, value)


def written(server, start, folder):
    return [c.key.rpartition("/")[2] for c in server.calls[start:] if c.method == "PUT" and f"/{folder}/" in c.key]


def test_prefetch_through_faults(server, monkeypatch):
    act_as(server, "prefetch", monkeypatch)
    faults = [Fault("503 SlowDown", "s3:PutObject"), Fault("reset", "s3:PutObject", after=2)]
    server.faults += [*faults, Fault("500 InternalError", "s3:ListBucket"), Fault("truncated", "s3:GetObject")]
    arguments = ("prefetch", QUARTER, "--path", SAMPLE / "*.jsonl", "--links", SAMPLE / "links.csv", "--root", ROOT)
    result = ftm(*arguments, columns=200)
    assert result.exit_code == 0, result.stderr
    assert f"{ROOT}/prefetch/transcripts/quarter={QUARTER}" in result.stdout
    assert all(fault.happened == 1 for fault in server.faults)
    assert "was ready; no change" in ftm(*arguments).stdout
    # Other inputs: the store is made again, and what was there is deleted.
    assert ftm(*arguments[:4], "--root", ROOT).exit_code == 0
    assert ftm(*arguments).exit_code == 0


def test_prefetch_from_wrds(server, wrds_cases, monkeypatch):
    act_as(server, "prefetch", monkeypatch)
    arguments = ("prefetch", WRDS_QUARTER, "--from", "wrds", "--root", ROOT)
    result = ftm(*arguments, columns=200)
    assert result.exit_code == 0, result.stderr
    assert f"{ROOT}/prefetch/transcripts/quarter={WRDS_QUARTER}" in result.stdout
    fetched = Lake(ROOT).list_files(Lake.wrds_dir(WRDS_QUARTER))
    assert fetched == ["calls.parquet", "request.json", "turns_0000.parquet"]
    # Another request: what was fetched for the first is deleted.
    start = len(server.calls)
    assert ftm(*arguments, "--keep-unlinked").exit_code == 0
    deleted = {call.key for call in server.calls[start:] if call.action == "s3:DeleteObject"}
    assert deleted >= {f"{PREFIX}/{Lake.wrds_dir(WRDS_QUARTER)}/{name}" for name in fetched}


def test_expired_credentials_end_the_run_and_publish_nothing(server, monkeypatch, caplog):
    ray_data = logging.getLogger("ray.data")
    monkeypatch.setattr(ray_data, "handlers", [*ray_data.handlers, caplog.handler])
    server.faults.append(Fault("400 ExpiredToken", "s3:PutObject", key="/intermediate/", after=3, times=-1))
    start = len(server.calls)
    result = ftm("run", QUARTER, "--root", ROOT, "--llm", "none")
    assert result.exit_code == 4
    assert "have expired; log in again" in one_error_line(result)
    told_by_ray = [r for r in caplog.records if r.name.startswith("ray.") and r.levelno >= logging.ERROR]
    assert told_by_ray == []  # the one line is all
    assert written(server, start, "intermediate")
    assert not Lake(ROOT).list_folders("processed")
    assert Lake(ROOT).list_files("locks") == []


def test_the_same_command_goes_on_through_faults_and_gives_the_bytes_of_a_folder(server, lake, monkeypatch):
    parts = f"intermediate/firm-topics/quarter={QUARTER}"
    there = set(Lake(ROOT).list_files(f"{parts}/{Lake(ROOT).list_folders(parts)[0]}"))
    assert there
    put_by_hand(server, f"processed/sentences/quarter={QUARTER}/part-99999.parquet", monkeypatch)
    second = ask_while_running(monkeypatch)
    server.faults += [
        Fault("503 SlowDown", "s3:GetObject", key="chunk_", times=2),
        Fault("truncated", "s3:GetObject", key="chunk_", after=3, times=2),
        Fault("500 InternalError", "s3:PutObject", key="/intermediate/", times=2),
        Fault("reset", "s3:PutObject", key="/intermediate/", after=2),
        Fault("unheard", "s3:PutObject", key="/locks/"),
        Fault("503 SlowDown", "s3:PutObject", key="/processed/", times=2),
        Fault("reset", "s3:DeleteObject", key="/processed/"),
        Fault("500 InternalError", "s3:PutObject", key="run.json"),
    ]
    start = len(server.calls)
    result = ftm("run", QUARTER, "--root", ROOT, "--llm", "none")
    assert result.exit_code == 0, result.stderr
    assert [fault.happened for fault in server.faults] == [2, 2, 2, 1, 1, 2, 1, 1]
    made_now = set(written(server, start, "intermediate"))
    assert made_now and made_now.isdisjoint(there)
    [remote] = read_records(Lake(ROOT))
    calm = lake.read_json(lake.run_file(QUARTER, remote["run_id"]))  # the same id, or it is not there
    assert remote["files"] == calm["files"]  # sizes, hashes and rows
    asked, cost = len(server.calls) - start, remote["cost"]
    assert asked / 2 < sum(cost["s3"][name] for name in ("n_puts", "n_lists", "n_gets", "n_deletes")) <= asked
    assert cost["n_batches_before"] == len(there) and cost["s3"]["bytes_up"] > 100_000 and cost["usd"] > 0
    assert Lake(ROOT).list_files("locks") == []
    assert second[0].exit_code == 4
    assert f"{calm['run_id']} on " in one_error_line(second[0])


def put_by_hand(server, path, monkeypatch):
    """A file that an earlier run left."""
    with monkeypatch.context() as patch:
        act_as(server, "tester", patch)
        Lake(ROOT).write_json(path, {})


def ask_while_running(monkeypatch):
    """The same command, once, from a second terminal while the first is at work; the list gets its result."""
    import ftm_ray.run.pipeline

    results = []
    drain = ftm_ray.run.pipeline._drain

    def asked(*arguments):
        results.append(ftm("run", QUARTER, "--root", ROOT, "--llm", "none"))
        return drain(*arguments)

    monkeypatch.setattr("ftm_ray.run.pipeline._drain", asked)
    return results


def read_records(remote):
    folder = f"runs/quarter={QUARTER}"
    return [remote.read_json(f"{folder}/{run_id}/run.json") for run_id in remote.list_folders(folder)]


def test_everything_that_reads_works_on_s3(server, lake):
    start = len(server.calls)
    assert "was done already" in ftm("run", QUARTER, "--root", ROOT, "--llm", "none").stdout
    looked_for = [call.key for call in server.calls[start:] if call.action == "s3:ListBucket"]
    assert not any("processed/sentences" in key and key.endswith(".parquet") for key in looked_for)  # not file by file
    assert json.loads(ftm("status", QUARTER, "--root", ROOT, "--json").stdout)["stage"] == "published"
    checks = json.loads(ftm("verify", QUARTER, "--root", ROOT, "--json").stdout)
    assert [check["name"] for check in checks if check["problems"]] == []
    for command in (("themes", QUARTER), ("trace", f"{QUARTER}-0001")):
        here, there = (json.loads(ftm(*command, "--root", root, "--json").stdout) for root in (lake.root, ROOT))
        assert here == there
    question = "SELECT quarter, theme_id, n_firms FROM themes ORDER BY theme_id"
    here, there = (json.loads(ftm("sql", question, "--root", root, "--json").stdout) for root in (lake.root, ROOT))
    assert here == there
    doctor = json.loads(ftm("doctor", "--root", ROOT, "--json").stdout)
    assert next(finding for finding in doctor if finding["name"] == "storage")["status"] == "ok"


def test_two_llms_are_compared_on_s3(server, monkeypatch):
    with LlmServer(lambda _, body: in_its_words(body)) as llm:
        result = ftm("llm", "compare", QUARTER, "--root", ROOT, "--a", llm.url, "--b", llm.url, "--sample", 2, "--json")
    assert result.exit_code == 0, result.stderr
    comparison = json.loads(result.stdout)
    act_as(server, "reader", monkeypatch)  # the head need not read what it wrote
    assert Lake(ROOT).read_table(comparison["table"]).num_rows == 2


def test_a_researcher_asks_with_the_right_to_read_only(server, monkeypatch):
    act_as(server, "reader", monkeypatch)
    for command in (("themes", QUARTER), ("trace", f"{QUARTER}-0001"), ("sql", "SELECT count(*) FROM sentiment_ready")):
        result = ftm(*command, "--root", ROOT)
        assert result.exit_code == 0, result.stderr


def test_each_machine_calls_what_its_policy_grants_and_needs_all_of_it(server, config, monkeypatch):
    # What the sample quarter does not do: a publication without links removes the table that an earlier one made.
    act_as(server, "tester", monkeypatch)
    run = run_files(Lake(ROOT), write_six_firms(Lake(ROOT), linked=False), config)
    write_six_parts(run)
    act_as(server, "workers", monkeypatch)
    ThemePublisher(config, api_key="none").publish(run_files(Lake(ROOT), run.manifest, config))
    assert run.manifest.quarter == SIX_FIRMS_QUARTER
    keep_and_find_an_answer(Lake(ROOT))
    act_as(server, "prefetch", monkeypatch)
    assert json.loads(ftm("doctor", "--root", ROOT, "--json").stdout)

    for machine in MACHINES:
        allowed = grants(machine, PREFIX)
        calls = {call for call in server.calls if call.who == machine}
        assert calls
        refused = {(c.action, c.key) for c in calls if not any(grant.covers(c) for grant in allowed)}
        assert not refused, f"{machine} calls what {machine}.json does not grant"
        unused = [grant for grant in allowed if not any(grant.covers(call) for call in calls)]
        assert [g for g in unused if g.action != "s3:AbortMultipartUpload"] == []  # only where a large upload fails


def keep_and_find_an_answer(remote):
    """What the naming actor does with an LLM's answers."""
    answer = KeptAnswer("{}", "tiny", "1", "stop", 11, 7)

    async def keep():
        store = AnswerStore(remote, QUARTER)
        await store.keep("question", answer)
        await store.write()

    asyncio.run(keep())
    assert AnswerStore(remote, QUARTER).find("question", "summary") == answer


def test_nothing_outside_the_prefix_is_touched(server):
    """No listing of the whole bucket, no delete but of these quarters' files and their locks."""
    calls = [call for call in server.calls if call.who in MACHINES]
    assert all(call.key.startswith(f"{PREFIX}/") for call in calls)
    deleted = {call.key for call in calls if call.action == "s3:DeleteObject"}
    assert deleted
    ours = (f"quarter={QUARTER}", f"quarter={WRDS_QUARTER}", ".ftm-doctor.json")
    assert all(any(part in key for part in ours) for key in deleted)
