"""A real model on real vLLM and Ray Serve, over HTTP: up, used, left, refused, and down without a trace.

The model is a tiny one with random weights (tests/tiny_model.py), on the processor. Starting vLLM takes nearly a minute
on two cores, so each test asks for much of what it has started.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import start_ftm
from head import Head, ray_environment, started_head
from openai import OpenAI
from s3_server import free_port
from tiny_model import make_tiny_model

from ftm_ray.config import LlmSettings, NodeType, RunConfig, ServeSettings
from ftm_ray.errors import ConfigError
from ftm_ray.naming.prompts import topic_prompt
from ftm_ray.serving import deployment as serving
from ftm_ray.serving.engine import PRESETS, application

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `make setup-llm-cpu` installs it"
)

NODES = (NodeType(name="here", cpus=2),)


def run_config(llm: LlmSettings) -> RunConfig:
    return RunConfig(llm=llm, serve=ServeSettings(preset="cpu", patience_s=300))


class WordCounter:
    def count(self, text: str) -> int:
        return 2 * len(text.split())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The name of the tiny model, which is its folder."""
    return str(make_tiny_model(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture
def ray_with_serve(ray_cluster):
    """The tests' Ray; Serve is ended afterwards, so that the next test starts it anew."""
    yield
    from ray import serve

    serve.shutdown()


def model_processes(ancestor: int) -> set[int]:
    """Living processes of the application, Ray's and vLLM's, that descend from one process."""
    table = subprocess.run(["ps", "-eo", "pid,ppid,stat,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in table.splitlines()[1:]]
    family = {ancestor}
    for _ in range(10):  # deeper than Ray's tree
        family |= {int(pid) for pid, parent, *_ in rows if int(parent) in family}
    names = ("VLLM::", "ray::ServeReplica:llm")
    return {int(pid) for pid, _, stat, args in rows if int(pid) in family and args.startswith(names) and stat[0] != "Z"}


def are_gone(processes: set[int], within_s: float = 20) -> bool:
    """Whether these processes have ended; those that nobody has waited for are dead, too."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        alive = [pid for pid in processes if Path(f"/proc/{pid}/stat").exists()]
        if all(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z" for pid in alive):
            return True
        time.sleep(0.5)
    return False


def ask(url: str, model: str, question: str):
    prompt = topic_prompt(["growth", "margin"], [f"{question} " * 20], WordCounter(), 900)
    return OpenAI(base_url=url, api_key="none", max_retries=0).chat.completions.create(
        model=model,
        messages=prompt.messages,
        temperature=0,
        max_tokens=200,
        response_format=prompt.answer_form(with_lengths=True),
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
    )


@pytest.mark.chaos  # test_llm_run.py serves one for a whole run
def test_a_model_is_served_shared_and_gone_after_an_error(ray_with_serve, model):
    llm = LlmSettings(model=model)
    messages: list[str] = []
    with (
        pytest.raises(ZeroDivisionError),
        serving.served(run_config(llm), NODES, keep=False, on_wait=messages.append) as url,
    ):
        assert serving.status() == serving.LlmStatus("up", model, url, n_replicas=1)
        processes = model_processes(os.getpid())
        assert processes

        first, second = ask(url, model, "We grow."), ask(url, model, "We shrink.")
        assert [first.choices[0].finish_reason, second.choices[0].finish_reason] == ["stop", "stop"]
        assert set(json.loads(first.choices[0].message.content)) == {"label", "summary"}
        assert ask(url, model, "We grow.").choices[0].message.content == first.choices[0].message.content
        assert second.usage.prompt_tokens_details.cached_tokens > 100  # the rules stand first in each prompt

        with serving.served(run_config(llm), NODES, keep=False, on_wait=messages.append) as same:
            assert same == url
        assert serving.status().state == "up"  # who found it up leaves it up

        other = LlmSettings(model="another/model")
        with (
            pytest.raises(ConfigError, match=r"serves .*model already, not another/model.*`ftm llm down`"),
            serving.served(run_config(other), NODES, keep=False, on_wait=messages.append),
        ):
            pass
        assert serving.status().state == "up"
        raise ZeroDivisionError
    assert serving.status() == serving.LlmStatus("down")
    assert are_gone(processes)
    assert any(text.startswith(f"loading {model}, ") for text in messages)


@pytest.mark.chaos
def test_a_model_that_cannot_start_says_why_and_leaves_nothing(ray_with_serve, model, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    (broken / "model.safetensors").unlink()
    with (
        pytest.raises(ConfigError, match=rf"cannot serve {broken}: Cannot find any model weights"),
        serving.served(run_config(LlmSettings(model=str(broken))), NODES, keep=False, on_wait=lambda _: None),
    ):
        pass
    assert serving.status() == serving.LlmStatus("down")
    assert are_gone(model_processes(os.getpid()))


def test_what_is_meant_for_cards_passes_the_checks_of_ray_and_vllm(ray_cluster):
    """No GPU is needed to see that every name exists and what would be asked of Ray."""
    import ray

    @ray.remote  # in a process of its own, as vLLM's import changes logging
    def asked_of_ray(config):
        from ray.serve.llm import LLMConfig, build_openai_app

        from ftm_ray.serving.replica import ModelReplica

        build_openai_app(config)
        options = ModelReplica.get_deployment_options(LLMConfig(**config["llm_configs"][0]))
        environment = options["ray_actor_options"]["runtime_env"]["env_vars"]  # of the process below which vLLM works
        return options["placement_group_bundles"], environment.get("VLLM_RAY_PER_WORKER_GPUS")

    llm = LlmSettings(model="Qwen/Qwen3-8B")
    from_zero = ServeSettings(min_replicas=0, max_replicas=3)
    shared = application(llm, from_zero, PRESETS["24gb"], cpu_threads=1)
    split = application(llm, ServeSettings(tensor_parallel=2), PRESETS["80gb"], cpu_threads=1)
    answers = ray.get([asked_of_ray.remote(config) for config in (shared, split)])
    own_core = {"CPU": 2.0}  # the replica itself stands in the first place, beside vLLM's first worker
    assert answers == [
        ([{"CPU": 1.0, "GPU": 0.75} | own_core], "0.75"),
        ([{"CPU": 1.0, "GPU": 1.0} | own_core, {"CPU": 1.0, "GPU": 1.0}], "1"),
    ]


# --- ftm llm -------------------------------------------------------------------------------------------------------


@pytest.fixture
def head():
    """A head node as a person starts it."""
    with started_head(with_dashboard=False) as head:
        yield head


def start_ftm_llm(head: Head, *arguments: str) -> subprocess.Popen:
    environment = ray_environment() | {"RAY_ADDRESS": head.address}
    return start_ftm("llm", *arguments, environment=environment, stderr=subprocess.PIPE)


def run_ftm_llm(head: Head, *arguments: str) -> str:
    process = start_ftm_llm(head, *arguments)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


@pytest.mark.chaos
def test_a_model_stands_by_on_a_cluster_until_it_is_taken_down(head, model, tmp_path):
    config = tmp_path / "serve.toml"
    config.write_text(f"[serve]\nport = {free_port()}\npatience_s = 300\n")
    up = ("up", "--llm-model", model, "--preset", "cpu", "--config", str(config))
    assert run_ftm_llm(head, "status") == run_ftm_llm(head, "down") == "no model is up\n"

    stopped = start_ftm_llm(head, *up)
    while not model_processes(head.pid):
        assert stopped.poll() is None, stopped.communicate()
        time.sleep(0.5)
    processes = model_processes(head.pid)
    os.killpg(stopped.pid, signal.SIGINT)
    output, errors = stopped.communicate(timeout=90)
    assert stopped.returncode == 130, errors
    assert "Traceback" not in output + errors
    assert are_gone(processes)
    assert json.loads(run_ftm_llm(head, "status", "--json"))["state"] == "down"

    assert f"{model} is up at http://" in run_ftm_llm(head, *up)
    found = json.loads(run_ftm_llm(head, "status", "--json"))
    assert (found["state"], found["model"], found["n_replicas"]) == ("up", model, 1)
    assert ask(found["url"], model, "We grow.").choices[0].finish_reason == "stop"
    processes = model_processes(head.pid)
    assert processes
    assert run_ftm_llm(head, "down") == "the model is down\n"
    assert are_gone(processes)
    assert run_ftm_llm(head, "status") == "no model is up\n"
