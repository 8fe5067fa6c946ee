"""SIGKILL of what serves the model while it names topics: callers wait until Ray has it up again, and the run goes on.

Real vLLM in real Ray Serve. The model is the tiny one, whose words the guards refuse (tests/tiny_model.py): with the
gate open, what is asked and kept is the same as with a good one.
"""

import importlib.util

import pytest
from head import ray_environment, started_head
from s3_server import free_port
from sample import QUARTER, prefetch_sample
from scene import Case, Row, copy_state, kill_process, new_files
from tiny_model import make_tiny_model

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `make setup-llm-cpu` installs it"
)


@pytest.fixture(scope="module")
def model_head():
    """A head of its own: Serve, once started on one, stays there."""
    with started_head(with_dashboard=False) as head:
        yield head


@pytest.fixture(scope="module")
def served_case(model_head, tmp_path_factory, llm):
    """Make a case of a run whose model is served on the cluster, and left up for the next case."""
    folder = tmp_path_factory.mktemp("model")
    model = make_tiny_model(folder / "model")
    settings = folder / "run.toml"
    settings.write_text(
        # One question at a time: which ones vLLM computes together changes the last digits, and with them words.
        f"workers = 1\n[llm]\nmodel = '{model}'\nmax_concurrency = 1\n[serve]\npreset = 'cpu'\nport = {free_port()}\n"
        "patience_s = 300\n[gates]\nmin_llm_ratio = 0.0\n"
    )
    environment = ray_environment() | {"RAY_ADDRESS": model_head.address}

    def make(root, row: Row) -> Case:
        arguments = ("run", QUARTER, "--root", str(root), "--config", str(settings), "--llm", "serve", "--keep-llm")
        return Case(root, arguments, environment, llm, row)

    return make


@pytest.fixture(scope="module")
def served_calm(served_case, tmp_path_factory):
    """A run with the model that nothing disturbed."""
    root = tmp_path_factory.mktemp("served") / "calm"
    prefetch_sample(root)
    served_case(root, Row("", "")).finish()
    return root


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("ray::ServeReplica:llm:ModelReplica", "the replica that holds the model", id="replica"),
        pytest.param("VLLM::EngineCore", "vLLM's engine, a process below the replica", id="engine"),
        pytest.param("ray::ServeReplica:llm:OpenAiIngress", "the replica that takes the questions", id="ingress"),
        pytest.param("ray::ServeController", "Serve's controller", id="controller"),
        pytest.param("ray::ProxyActor", "Serve's HTTP proxy", id="proxy"),
    ],
)
def test_while_topics_are_named(served_case, served_calm, model_head, tmp_path, row, name, words):
    row.kind, row.harm = "served model killed", f"{words}, after 2 files of kept answers"
    case = served_case(copy_state(served_calm, tmp_path / "root", "prefetched"), row)
    process = case.start()
    try:
        case.wait_for(process, new_files("intermediate/llm-answers/*/[!.]*.parquet", 2))
        assert process.poll() is None, process.communicate()[0]
        kill_process(case, model_head.pid, (name,), process)
        output, _ = process.communicate(timeout=900)
    finally:
        process.kill()  # no other case's model is to answer it
    assert process.returncode == 0, output
    case.check(served_calm)
    row.paid_twice = row.under_way = None  # vLLM was asked, and not the endpoint that counts
