"""How many topics a minute the served model names, against vLLM alone on the same prompts.

    python tests/benchmarks/llm_throughput.py --shape 0.6b --prompts 60              # CPU, minutes
    python tests/benchmarks/llm_throughput.py --shape 8b --prompts 4000 --slots 50 100 200   # one 80+ GB card

Prompts are real topic prompts over the sample calls, put together at random with a fixed seed, so that only the rules
are the same in all. The model has the architecture of Qwen3 and random weights (vLLM's load_format "dummy"): its speed
is real, its text is not. Answers end at --answer-tokens. First the model is served as `ftm run --llm serve` does it and
asked through the naming client; then vLLM's own engine, with the same settings and in this machine's same state,
gets all prompts at once. --model NAME takes a real model instead. --beside COMMAND asks on in rounds while the shell
runs that command: a map on the same card (gpu_map.py), say.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

#: Sizes of Qwen3 models, as their config.json on the hub has them.
SHAPES = {
    "tiny": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256},
    "0.6b": {"hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16, "intermediate_size": 3072},
    "8b": {"hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32, "intermediate_size": 12288},
}


def make_model(folder: Path, shape: str) -> Path:
    """Configuration and tokenizer of a model of this shape; weights are random numbers that vLLM makes itself."""
    from tiny_model import make_tiny_model

    make_tiny_model(folder)
    for weights in folder.glob("*.safetensors*"):
        weights.unlink()
    config = json.loads((folder / "config.json").read_text())
    kv_heads = (
        {"num_key_value_heads": 2, "head_dim": 32} if shape == "tiny" else {"num_key_value_heads": 8, "head_dim": 128}
    )
    config |= SHAPES[shape] | kv_heads | {"vocab_size": 151936, "tie_word_embeddings": shape != "8b"}
    config.pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def make_prompts(arguments, max_tokens: int, seed: int):
    """Topic prompts whose material differs in every one."""
    import ftm_ray
    from ftm_ray.naming.prompts import topic_prompt
    from ftm_ray.naming.tokens import token_counter
    from ftm_ray.text.sentences import split_sentences

    files = sorted((Path(ftm_ray.__file__).parent / "sample_calls").glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    sentences = [s for line in lines for s in split_sentences(line["text"]) if len(s) > 60]
    draw = random.Random(seed)
    counter = token_counter(arguments.model)
    return [
        topic_prompt(
            [word for s in draw.sample(sentences, 2) for word in s.lower().split()[:4]],
            draw.sample(sentences, 10),
            counter,
            max_tokens,
        )
        for _ in range(arguments.prompts)
    ]


def settings(arguments, slots: int = 50):
    """The configuration of a run with this model."""
    from ftm_ray.config import load_config

    return load_config(
        None,
        {
            "llm.endpoint": "serve",
            "llm.model": arguments.model,
            "llm.max_concurrency": slots,
            "llm.max_tokens": arguments.answer_tokens,
            "llm.timeout_s": 600.0,
            "serve.preset": arguments.preset,
            "serve.quantization": arguments.quantization,
            "serve.gpus_per_replica": arguments.gpus,
            "serve.max_num_seqs": arguments.max_num_seqs,
            "serve.load_format": "dummy" if arguments.shape else "auto",
        },
    )


def through_serve(arguments) -> None:
    """Serve the model and ask it with the naming client; one line of JSON for each number of slots."""
    from ftm_ray.run.nodes import known_nodes
    from ftm_ray.run.session import ray_session
    from ftm_ray.serving.deployment import served

    config = settings(arguments)
    start = time.perf_counter()
    with (
        ray_session(lambda: None, {}),
        served(config, known_nodes(config.cluster), False, lambda _: None) as url,
    ):
        print(json.dumps({"way": "start-up", "seconds": round(time.perf_counter() - start, 1)}), flush=True)
        for seed, slots in enumerate(arguments.slots):  # other prompts each time, or all would be in the prefix cache
            prompts = make_prompts(arguments, config.llm.max_prompt_tokens, seed)
            llm = settings(arguments, slots).llm.model_copy(update={"endpoint": url})
            report("Serve and HTTP", slots, *asyncio.run(ask_all(llm, prompts)))
        if arguments.beside:
            ask_beside(arguments, settings(arguments, arguments.slots[-1]).llm.model_copy(update={"endpoint": url}))


def ask_beside(arguments, llm) -> None:
    """A round of prompts after the other, while the command runs; one line of JSON for each."""
    with subprocess.Popen(arguments.beside, shell=True, stdout=sys.stderr) as command:
        seed = len(arguments.slots)
        while command.poll() is None:
            prompts = make_prompts(arguments, llm.max_prompt_tokens, seed)
            seconds, account = asyncio.run(ask_all(llm, prompts))
            if command.poll() is None:  # else the command went on for a part of the round only
                report("Serve and HTTP, beside", llm.max_concurrency, seconds, account)
            seed += 1
    if command.returncode:
        sys.exit(f"the command beside ended with {command.returncode}")


async def ask_all(llm, prompts):
    """Seconds for all prompts, and what they took."""
    from ftm_ray.naming.account import LlmAccount
    from ftm_ray.naming.client import LlmClient

    client, account = LlmClient(llm, "none"), LlmAccount()
    start = time.perf_counter()
    await asyncio.gather(*(client.ask(prompt, account) for prompt in prompts))
    return time.perf_counter() - start, account


def report(way: str, slots: int | str, seconds: float, account) -> None:
    """One line of JSON."""
    print(
        json.dumps(
            {
                "way": way,
                "slots": slots,
                "requests": account.n_requests,
                "seconds": round(seconds, 2),
                "requests_per_minute": round(60 * account.n_requests / seconds, 1),
                "prompt_tokens_per_s": round(account.prompt_tokens / seconds, 1),
                "answer_tokens_per_s": round(account.completion_tokens / seconds, 1),
                "cached_share": round(account.cached_tokens / max(1, account.prompt_tokens), 3),
            }
        ),
        flush=True,
    )


def offline(arguments) -> None:
    """vLLM's own engine with the same settings, all prompts at once."""
    import ray

    from ftm_ray.naming.account import LlmAccount
    from ftm_ray.run.nodes import known_nodes
    from ftm_ray.serving.engine import application, choose_preset

    config = settings(arguments)
    nodes = ()
    if arguments.preset == "auto":
        ray.init(address="local", include_dashboard=False, log_to_driver=False)
        nodes = known_nodes(config.cluster)
        ray.shutdown()
    preset = choose_preset(config.serve.preset, nodes)
    threads = max(1, (os.cpu_count() or 2) // 2)  # as serving.py gives them
    described = application(config.llm, config.serve, preset, threads)["llm_configs"][0]
    engine = described["engine_kwargs"]
    engine.pop("enable_prompt_tokens_details")  # of the HTTP server
    engine["enable_prefix_caching"] = not arguments.without_prefix_cache
    os.environ.update(described["runtime_env"]["env_vars"])
    from vllm import LLM, SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    prompts = make_prompts(arguments, config.llm.max_prompt_tokens, seed=0)
    llm = LLM(model=described["model_loading_config"]["model_source"], **engine)
    sampling = [
        SamplingParams(
            temperature=0,
            max_tokens=arguments.answer_tokens,
            structured_outputs=StructuredOutputsParams(json=p.answer_form(with_lengths=True)["json_schema"]["schema"]),
        )
        for p in prompts
    ]
    kwargs = {"chat_template_kwargs": {"enable_thinking": False}, "use_tqdm": False}
    llm.chat([prompts[-1].messages], sampling[-1:], **kwargs)  # compiles, and fills the cache with the rules
    start = time.perf_counter()
    outputs = llm.chat([prompt.messages for prompt in prompts], sampling, **kwargs)
    seconds = time.perf_counter() - start
    account = LlmAccount(
        n_requests=len(outputs),
        prompt_tokens=sum(len(output.prompt_token_ids) for output in outputs),
        completion_tokens=sum(len(output.outputs[0].token_ids) for output in outputs),
        cached_tokens=sum(output.num_cached_tokens or 0 for output in outputs),
    )
    report("vLLM alone", "all", seconds, account)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, help="random weights in the shape of this Qwen3")
    parser.add_argument("--model", help="a real model: folder or hub name")
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--slots", type=int, nargs="+", default=[50], help="requests under way at once")
    parser.add_argument("--answer-tokens", type=int, default=64)
    parser.add_argument("--preset", default="auto", help="cpu, 24gb, 80gb, or auto by the card")
    parser.add_argument("--quantization", choices=["fp8", "awq", "none"])
    parser.add_argument("--gpus", type=float, help="share of a card")
    parser.add_argument("--max-num-seqs", type=int)
    parser.add_argument("--beside", metavar="COMMAND", help="ask on while the shell runs this")
    parser.add_argument("--without-prefix-cache", action="store_true", help="of vLLM alone")
    parser.add_argument("--way", choices=["serve", "offline"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.way and bool(arguments.shape) == bool(arguments.model):
        parser.error("give --shape or --model")
    if arguments.way:
        {"serve": through_serve, "offline": offline}[arguments.way](arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[1:]
        if arguments.shape:
            given += ["--model", str(make_model(Path(folder), arguments.shape))]
        lines = []
        for way in ("serve", "offline"):  # each in a process of its own, which frees the memory
            command = [sys.executable, __file__, *given, "--way", way]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            lines += [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"way"')]
            print(done.stdout, end="", flush=True)
    best = max(line["requests_per_minute"] for line in lines if line["way"] == "Serve and HTTP")
    if not arguments.without_prefix_cache:  # then the two were not set up alike
        print(f"Serve and HTTP reach {best / lines[-1]['requests_per_minute']:.0%} of vLLM alone")


if __name__ == "__main__":
    main()
