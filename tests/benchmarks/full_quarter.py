"""Can one machine carry what is behind the map of a whole quarter: naming, themes, publishing, and looking at it?

    python tests/benchmarks/full_quarter.py ROOT QUARTER [--copies 7] [--latency 1.0] [--slots 64] [--json]

The map of 2 million sentences is hours of two cores; what comes after it is not, and has to fit into one driver and
one actor. So the prefetch store and the part files of a quarter that was run in ROOT without an LLM are copied under
other firms until there are as many topics as a full quarter has (vectors of copies turned a little, a sentence and two
keywords of each topic changed for another's, so that no two get the same answer), and then the real
commands run on them in processes of their own: `ftm run` with an endpoint on this machine that takes `--latency`
seconds an answer (or none: `--no-llm`), then verify, status, themes, trace. Memory: the
peak of each process (ru_maxrss; of the run's actors the most that was seen of one, looked at every half second).
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
from command import FTM

from ftm_ray.config import RunConfig
from ftm_ray.lake.runs import RunFiles, part_name, published_record, run_ids
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.store import PREFETCH
from ftm_ray.sources.manifest import chunk_entries, chunk_name, read_manifest, read_manifest_json, write_manifest
from ftm_ray.vectors.unit_vectors import vectors_of

#: Length of what turns the vectors of copies: their cosine to the original is about 0.86, as between like topics of two
#: firms.
_NOISE = 0.6

#: Copies have the labels of their originals, so few labels are different, and a stand-in's words are refused now and
#: then (2 to 4 %); nothing else is asked less of.
_SETTINGS = "[gates]\nmin_distinct_labels = 0.0\nmin_llm_ratio = 0.9\n\n[llm]\nmax_concurrency = {slots}\n"

_IDS = ("firm_id", "transcript_id", "sentence_id", "sentence_ids", "exemplar_ids")


def serve(latency_s: float, pipe) -> None:
    """An endpoint of fixed latency, in a process of its own."""
    from llm_server import LlmServer

    with LlmServer(lambda _number, body: answer(body), delay_s=latency_s) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send((len(server.requests), max(server.at_once, default=0)))


def answer(body: dict[str, Any]) -> tuple[Any, ...]:
    """In the question's words; of a theme in other words than its topics, of which it would else be an echo."""
    from llm_server import in_its_words, named

    if '"description"' not in body["messages"][0]["content"]:
        return in_its_words(body)
    keywords = body["messages"][1]["content"].splitlines()[0].removeprefix("Keywords: ").split(", ")
    return named(f"Talk of {' and '.join(keywords[:2])}", f"Several of them mention {keywords[0]}.", "description")


def copy_store(source: Lake, target: Lake, quarter: str, n_copies: int) -> None:
    """The prefetch store, once for each copy, with its coverage and its manifest."""
    manifest = read_manifest_json(source, quarter)
    folder = Lake.prefetch_dir(quarter)
    coverage = source.read_table(f"{folder}/coverage.parquet")
    covered: list[pa.Table] = []
    parts: list[pa.Table] = []
    for copy in range(n_copies):
        covered.append(renamed(coverage, copy))
        for chunk in manifest["chunks"]:
            tables = source.read_row_groups(f"{folder}/{chunk['name']}")
            firms: list[str] = []
            path = f"{folder}/{chunk_name(len(parts))}"
            target.write_batches(path, PREFETCH, _renamed_tables(tables, copy, firms))
            parts.append(covered[-1].filter(pc.is_in(covered[-1]["firm_id"], pa.array(firms))))
    target.write_table(f"{folder}/coverage.parquet", pa.concat_tables(covered))
    n_in_group = max(group["n_firms"] for chunk in manifest["chunks"] for group in chunk["row_groups"])
    chunks, firms_at = chunk_entries(target, quarter, parts, n_in_group)
    counts = {name: n_copies * manifest[name] for name in ("n_firms", "n_calls", "n_sentences")}
    write_manifest(target, manifest | counts | {"chunks": chunks, "firms": firms_at})


def _renamed_tables(tables: Iterator[pa.Table], copy: int, firms: list[str]) -> Iterator[pa.Table]:
    for table in tables:
        found = renamed(table, copy)
        firms += found["firm_id"].to_pylist()
        yield found


def renamed(table: pa.Table, copy: int) -> pa.Table:
    """All ids of a table under those of a copy: `c3.AAPL`."""
    rows = table.to_pylist()
    for row in rows:
        _rename(row, f"c{copy}.")
    return pa.Table.from_pylist(rows, schema=table.schema)


def _rename(value: Any, prefix: str) -> None:
    if isinstance(value, list):
        for item in value:
            _rename(item, prefix)
    elif isinstance(value, dict):
        for name, content in value.items():
            if name in _IDS:
                value[name] = [prefix + text for text in content] if isinstance(content, list) else prefix + content
            else:
                _rename(content, prefix)


def copy_parts(source: Lake, target: Lake, quarter: str, config: RunConfig, n_copies: int) -> int:
    """The part files of the map that ROOT has, as those of the run to come; returns the number of topics."""
    record = published_record(source, quarter)
    before = read_manifest(source, quarter)
    manifest = read_manifest(target, quarter)
    ids = run_ids(config, manifest)
    run = RunFiles(target, manifest, ids.map_id, ids.run_id)
    random = np.random.default_rng(0)
    n_topics = 0
    for number, batch in enumerate(manifest.batches):
        copy, original = divmod(number, len(before.batches))
        path = f"{source.parts_dir(quarter, record['map_id'])}/{part_name(before.batches[original])}"
        part = source.read_table(path)
        rows = renamed(part, copy).to_pylist()
        for row in rows:
            n_topics += len(row["topics"])
            if copy:
                _turn(row["topics"], random)
                _mix(row["topics"], random)
        target.write_table(run.part_path(batch), pa.Table.from_pylist(rows, schema=part.schema))
    return n_topics


def _turn(topics: list[dict[str, Any]], random: np.random.Generator) -> None:
    if not topics:
        return
    vectors = vectors_of(pa.chunked_array([pa.array([topic["embedding"] for topic in topics], pa.list_(pa.float32()))]))
    noise = random.standard_normal(vectors.shape).astype(np.float32)
    turned = vectors + _NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    for topic, vector in zip(topics, turned / np.linalg.norm(turned, axis=1, keepdims=True), strict=True):
        topic["embedding"] = vector


def _mix(topics: list[dict[str, Any]], random: np.random.Generator) -> None:
    """Each topic takes a sentence and two keywords of another one: its question, and so its text, is like no other."""
    said = [(list(topic["exemplar_texts"]), list(topic["keywords"])) for topic in topics]
    for topic, other in zip(topics, random.permutation(len(topics)).tolist(), strict=True):
        texts, keywords = said[other]
        topic["exemplar_texts"][1:2] = texts[:1]
        topic["keywords"][1:3] = keywords[:2]


class Watch(threading.Thread):
    """The largest that any child of a process was seen, by the name that it gives itself."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[str, float] = {}
        self._process = psutil.Process(process)

    def run(self) -> None:
        while True:
            try:
                children = self._process.children(recursive=True)
            except psutil.NoSuchProcess:
                return
            for child in children:
                try:
                    name = " ".join(child.cmdline()).split(" ")[0]
                    peak = child.memory_info().rss / 2**30
                except psutil.Error:
                    continue  # it ended meanwhile
                if name.startswith("ray::"):
                    self.peaks[name] = max(self.peaks.get(name, 0.0), peak)
            time.sleep(0.5)


def timed(*arguments: str, watch: bool = False) -> dict[str, Any]:
    """A command of ftm in a process of its own, with its seconds and its peak of memory."""
    start = time.perf_counter()
    process = subprocess.Popen([*FTM, *arguments], stdout=subprocess.PIPE, text=True)
    seen = Watch(process.pid) if watch else None
    if seen:
        seen.start()
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    found = {
        "wall_s": round(time.perf_counter() - start, 1),
        "peak_gib": round(usage.ru_maxrss / 2**20, 2),
        "exit_code": os.waitstatus_to_exitcode(status),
        "lines": said.count("\n"),
    }
    if seen:
        found["actors_gib"] = {name: round(peak, 2) for name, peak in sorted(seen.peaks.items()) if peak > 0.3}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="where the quarter was run with --llm none")
    parser.add_argument("quarter")
    parser.add_argument("--copies", type=int, default=7)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds an answer takes")
    parser.add_argument("--slots", type=int, default=64, help="questions at once")
    parser.add_argument("--no-llm", action="store_true", help="topics keep their keywords, as with --llm none")
    parser.add_argument("--keep", help="folder for the copied quarter; default: a temporary one")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    quarter = arguments.quarter
    processes = multiprocessing.get_context("spawn")  # a fork of a process with threads of pyarrow stands still
    here, there = processes.Pipe()
    endpoint = processes.Process(target=serve, args=(arguments.latency, there), daemon=True)
    endpoint.start()
    with tempfile.TemporaryDirectory(prefix="full-quarter-") as temporary:
        folder = Path(arguments.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "settings.toml"
        settings.write_text(_SETTINGS.format(slots=arguments.slots), encoding="utf-8")
        source, target = Lake(arguments.root), Lake(str(folder / "root"))
        url = here.recv()
        llm = ("--llm", "none") if arguments.no_llm else ("--llm", url, "--llm-model", "stand-in")
        run = ("run", quarter, "--root", target.root, "--config", str(settings), *llm)
        copy_store(source, target, quarter, arguments.copies)
        config = config_of(settings, "none" if arguments.no_llm else url)
        n_topics = copy_parts(source, target, quarter, config, arguments.copies)
        result: dict[str, Any] = {"n_topics": n_topics}
        result["run"] = timed(*run, watch=True)
        if result["run"]["exit_code"] == 0:
            record = published_record(target, quarter)
            result |= {name: record["counts"][name] for name in ("n_firms", "n_sentences", "n_topics")}
            result |= {"n_themes": record["quality"]["n_themes"], "seconds": record["seconds"]}
            for command in ("verify", "status", "themes"):
                result[command] = timed(command, quarter, "--root", target.root)
            result["trace"] = timed("trace", f"{quarter}-0001", "--root", target.root)
        here.send("enough")
        result["endpoint"] = dict(zip(("n_requests", "most_at_once"), here.recv(), strict=True))
    endpoint.join()
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


def config_of(settings: Path, url: str) -> RunConfig:
    """What `ftm run` makes of its flags here: the copied parts must lie where it looks for them."""
    import tomllib

    values = tomllib.loads(settings.read_text(encoding="utf-8"))
    values["llm"] |= {"endpoint": url} | ({} if url == "none" else {"model": "stand-in"})
    return RunConfig.model_validate(values)


if __name__ == "__main__":
    main()
