"""How long does a person wait for `ftm search`, over 75,000 topics and over the sentences of a quarter?

    python tests/benchmarks/search_speed.py --root ROOT --quarter 2024Q4 [--topics 75000] [--tries 5] [--json]

ROOT has a published quarter of real calls. It is only read: beside it a root is made whose topics are its topics, as
often as it takes, each time with other firm ids and slightly turned vectors; and one with its own sentences, of which
each gets a vector of random direction where the run kept none (how long it takes does not depend on the direction).
Cold is a process of its own, Python's start included, on files that were read before; warm is the median of twenty
questions to `open_results().search`, the first one left out.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bm25s
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray import open_results
from ftm_ray.lake.published_files import write_published
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.published import FIRMS, THEME_TOPICS, TOPICS
from ftm_ray.schemas.vectors import SENTENCE_VECTORS, sentence_vectors_schema
from ftm_ray.vectors.small_vectors import SmallVectors
from ftm_ray.vectors.unit_vectors import vectors_of

QUESTIONS = [
    "tariffs on suppliers",
    "hiring and wage inflation",
    "generative AI in our products",
    "share buybacks and dividends",
    "inventory at retailers is too high",
    "GLP-1 drugs",
    "hurricane damage",
    "data center power demand",
    "deposit costs and net interest margin",
    "what customers in China buy",
]


def many_topics(source: Lake, quarter: str, target: Lake, n_topics: int) -> None:
    """Publish a quarter's topics again and again, until there are so many."""
    record = published_record(source, quarter)
    tables = {name: source.read_folder(source.table_dir(name, quarter)) for name in ("topics", "firms", "theme_topics")}
    n_copies = -(-n_topics // tables["topics"].num_rows)
    rng = np.random.default_rng(0)
    copies: dict[str, list[pa.Table]] = {name: [] for name in tables}
    for copy in range(n_copies):
        for name, table in tables.items():
            ids = pc.binary_join_element_wise(table["firm_id"], pa.scalar(f"-{copy}"), "")
            renamed = table.set_column(table.schema.get_field_index("firm_id"), table.schema.field("firm_id"), ids)
            copies[name].append(turned(renamed, rng) if name == "topics" else renamed)
    schemas = {"topics": TOPICS, "firms": FIRMS, "theme_topics": THEME_TOPICS}
    for name, parts in copies.items():
        table = with_quarter(pa.concat_tables(parts), quarter)
        table = table.slice(0, n_topics) if name == "topics" else table
        path = f"{target.table_dir(name, quarter)}/part-00000.parquet"
        write_published(target, path, schemas[name], [table.combine_chunks()])
    target.write_table(
        f"{target.table_dir('themes', quarter)}/part-00000.parquet",
        source.read_folder(source.table_dir("themes", quarter)),
    )
    target.write_json(target.run_file(quarter, record["run_id"]), record)


def turned(topics: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Topics whose vectors point a little elsewhere: cosine 0.9 to what they were."""
    vectors = vectors_of(topics["embedding"])
    noise = rng.standard_normal(vectors.shape).astype(np.float32)
    vectors = vectors + 0.48 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offsets = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    at = topics.schema.get_field_index("embedding")
    column = pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.reshape(-1)))
    return topics.set_column(at, topics.schema.field(at), column)


def with_quarter(table: pa.Table, quarter: str) -> pa.Table:
    """Files leave the quarter to their folder; those who write them do not."""
    return (
        table if "quarter" in table.column_names else table.append_column("quarter", pa.array([quarter] * len(table)))
    )


def with_vectors(source: Lake, quarter: str, target: Path) -> tuple[int, int]:
    """A root with the files of another, and a vector for each sentence; returns sentences and bytes."""
    for path in Path(source.root).absolute().glob("processed/*"):
        (target / "processed").mkdir(parents=True, exist_ok=True)
        if path.name != SENTENCE_VECTORS:
            (target / "processed" / path.name).symlink_to(path)
    lake, rng, files = Lake(str(target)), np.random.default_rng(0), {}
    record = published_record(source, quarter)
    for name in source.list_files(source.table_dir("sentences", quarter)):
        path = f"{source.table_dir('sentences', quarter)}/{name}"
        kept = source.read_table(path, ["firm_id", "sentence_id", "topic_id", "run_id"])
        kept = kept.filter(pc.is_valid(kept["topic_id"]))
        made = rng.standard_normal((kept.num_rows, 384)).astype(np.float32)
        small = SmallVectors.of(made / np.linalg.norm(made, axis=1, keepdims=True))
        columns = [kept["firm_id"], kept["sentence_id"], small.numbers_column(), small.scales]
        schema = sentence_vectors_schema(384)
        table = pa.table(dict(zip(schema.names, [*columns, [quarter] * len(kept), kept["run_id"]], strict=True)))
        there = f"{lake.table_dir(SENTENCE_VECTORS, quarter)}/{name}"
        write_published(lake, there, schema, [table.cast(schema)])
        files[there] = lake.fingerprint(there) | {"rows": kept.num_rows}
    lake.write_json(lake.run_file(quarter, record["run_id"]), record | {"files": record["files"] | files})
    return sum(file["rows"] for file in files.values()), sum(file["bytes"] for file in files.values())


def cold_seconds(root: str, tries: int, *options: str) -> list[float]:
    """Wall time of the command, each time with another question."""
    took = []
    for question in (QUESTIONS * tries)[:tries]:
        command = [str(Path(sys.executable).with_name("ftm")), "search", question, "--root", root, *options]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        took.append(time.perf_counter() - start)
        assert done.stdout.strip(), done.stderr
    return took


def warm_seconds(root: str, among: str) -> list[float]:
    """Wall time of a question to what is in memory already."""
    results, took = open_results(root), []
    for question in ["first", *QUESTIONS, *(f"more about {question}" for question in QUESTIONS)]:
        start = time.perf_counter()
        results.search(question, among).fetchall()
        took.append(time.perf_counter() - start)
    return took[1:]


def library_seconds(root: str, quarter: str) -> list[float]:
    """What bm25s needs before its first answer over the same texts, which are in memory already."""
    table = Lake(root).read_folder(Lake(root).table_dir("topics", quarter), ["label", "representation"])
    texts = pc.binary_join_element_wise(table["label"], table["representation"], " ").to_pylist()
    start = time.perf_counter()
    library = bm25s.BM25(method="lucene")
    library.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
    return [time.perf_counter() - start]


def shown(name: str, seconds: list[float]) -> dict[str, object]:
    """Median and worst."""
    return {"what": name, "median_s": round(statistics.median(seconds), 4), "max_s": round(max(seconds), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--quarter", required=True)
    parser.add_argument("--topics", type=int, default=75_000)
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    source, rows = Lake(arguments.root), []
    with tempfile.TemporaryDirectory() as folder:
        topics = str(Path(folder) / "topics")
        many_topics(source, arguments.quarter, Lake(topics), arguments.topics)
        rows.append(shown(f"cold, {arguments.topics:,} topics", cold_seconds(topics, arguments.tries)))
        rows.append(shown(f"warm, {arguments.topics:,} topics", warm_seconds(topics, "topics")))
        rows.append(shown(f"bm25s, made over {arguments.topics:,} topics", library_seconds(topics, arguments.quarter)))
        sentences = Path(folder) / "sentences"
        sentences.mkdir()
        n, n_bytes = with_vectors(source, arguments.quarter, sentences)
        words = f"{n:,} sentences, vectors {n_bytes / 1e6:.1f} MB"
        options = ("--in", "sentences", "--quarter", arguments.quarter)
        rows.append(shown(f"cold, {words}", cold_seconds(str(sentences), arguments.tries, *options)))
        without = cold_seconds(arguments.root, arguments.tries, *options)
        rows.append(shown(f"cold, {n:,} sentences, by topics and words", without))
        rows.append(shown(f"warm, {words}", warm_seconds(str(sentences), "sentences")))
    for row in rows:
        print(
            json.dumps(row)
            if arguments.json
            else f"{row['what']:<70} median {row['median_s']} s, worst {row['max_s']} s"
        )


if __name__ == "__main__":
    main()
