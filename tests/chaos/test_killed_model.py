"""SIGKILL of what serves the model while a run asks it: Serve starts it again, and the run waits and goes on.

Real Serve and vLLM with a tiny model, whose words the guards refuse, so the gate is open. Each refusal is an answer
that was given: what became of all questions must be what became of them in a calm run, and none went unanswered. One
is asked at a time, as which ones are computed together changes the last digits, and with them words.
"""

import importlib.util
import json
import shutil

import psutil
import pytest
from s3_server import free_port
from sample import QUARTER
from scene import Case, Row, new_files, recorded_files
from tiny_model import make_tiny_model

from ftm_ray.lake.storage import Lake

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `make setup-llm-cpu` installs it"
)

KIND = "model killed"


@pytest.fixture(scope="module")
def served(tmp_path_factory, calm_roots, llm, cluster):
    """Makes cases of a run that has the model served, from a quarter whose topics are found."""
    folder = tmp_path_factory.mktemp("served")
    settings = folder / "run.toml"
    model = make_tiny_model(folder / "model")
    settings.write_text(
        f"workers = 1\n[llm]\nmodel = '{model}'\nmax_concurrency = 1\n[gates]\nmin_llm_ratio = 0.0\n"
        f"[serve]\npreset = 'cpu'\nport = {free_port()}\npatience_s = 300\n"
    )

    def make(name, row) -> Case:
        root = folder / name
        shutil.copytree(calm_roots[0] / "prefetch", root / "prefetch")
        arguments = ("run", QUARTER, "--root", str(root), "--llm", "serve", "--config", str(settings))
        return Case(root, arguments, cluster, llm, row)

    return make


@pytest.fixture(scope="module")
def undisturbed(served):
    """What is published where nothing disturbs the model, and what became of the questions."""
    case = served("calm", Row("", ""))
    case.finish()
    return recorded_files(Lake(str(case.root))), outcomes(case.root)


def outcomes(root):
    (file,) = root.glob("runs/*/*/run.json")
    llm = json.loads(file.read_text())["llm"]
    return {of: llm[of]["outcomes"] for of in ("topics", "themes")}


def process_of(ancestor: int, name: str) -> psutil.Process:
    """The process below this one that calls itself so."""
    for process in psutil.Process(ancestor).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue  # it ended meanwhile
        if words and words[0].startswith(name):
            return process
    raise AssertionError(f"no process {name}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ray::ServeReplica:llm:ModelReplica", "the replica"),
        ("VLLM::EngineCore", "vLLM's engine"),
        ("ray::ServeController", "Serve's controller"),
        ("ray::ProxyActor", "Serve's proxy"),
    ],
)
def test_the_model_goes_while_topics_are_named(served, undisturbed, head, row, name, words):
    row.kind, row.harm = KIND, f"{words}, after the first answers that were kept"
    case = served(name.rpartition(":")[2], row)
    process = case.start()
    try:
        case.wait_for(process, new_files("intermediate/llm-answers/*/[!.]*.parquet", 2))
        assert process.poll() is None, process.communicate()[0]
        process_of(head.pid, name).kill()
        case.struck()
        output, _ = process.communicate(timeout=900)
    finally:
        process.kill()
    assert "Traceback" not in output, output
    assert process.returncode in (0, 3, 4), output
    row.harm += "; the run outlasted it" if process.returncode == 0 else "; it ended with one sentence, given again"
    case.finish()
    row.same_bytes = recorded_files(Lake(str(case.root))) == undisturbed[0]
    assert row.same_bytes
    assert outcomes(case.root) == undisturbed[1]
