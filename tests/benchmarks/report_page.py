"""How large, how fast and how smooth is the page of `ftm report` for a full quarter?

    python tests/benchmarks/report_page.py ROOT QUARTER [--topics 75000] [--exemplars 0 3] [--keep FOLDER] [--json]

Topics of a published quarter are copied under other firms until there are enough: texts as they are (one that stands
over 32 kB before its copy does not help the compression), vectors turned a little, themes copied with their topics.
Names count as an LLM's, so that the page holds a summary of each. Each page is made by `ftm report` in a process of its
own, and opened in Chromium without a GPU (tests/chromium.py says what that needs).
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).parents[1]))

from command import FTM

from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.vectors.unit_vectors import vectors_of

#: How far a copy's vector is turned: the cosine to the original is about 0.95.
_NOISE = 0.33
_QUERIES = ("tariff", "supply chain", "artificial intelligence", "e", "margin pressure in the second half", "zzz")

#: Frames while the pointer drags the map to and fro for three seconds.
_DRAG = """async () => {
  const box = document.getElementById("map"), at = box.getBoundingClientRect(), frames = [];
  const event = (x) => ({ clientX: at.x + x, clientY: at.y + 300, pointerId: 1, bubbles: true });
  const send = (kind, x) => box.dispatchEvent(new PointerEvent(kind, event(x)));
  box.setPointerCapture = () => {};
  send("pointerdown", 400);
  const start = performance.now();
  while (performance.now() - start < 3000) {
    send("pointermove", 400 + 200 * Math.sin((performance.now() - start) / 300));
    await new Promise((done) => requestAnimationFrame(done));
    frames.push(performance.now());
  }
  send("pointerup", 400);
  const gaps = frames.slice(1).map((frame, place) => frame - frames[place]);
  return { fps: 1000 * gaps.length / (frames.at(-1) - frames[0]), worst_ms: Math.max(...gaps) };
}"""


#: A picture of all points with its labels, the mean of twenty.
_DRAWING = """() => {
  map.showAll();
  const start = performance.now();
  for (let n = 0; n < 20; n++) map.draw();
  return (performance.now() - start) / 20;
}"""

#: Frames while the wheel zooms in and out for three seconds: each of them is another picture.
_ZOOM = """async () => {
  const box = document.getElementById("map"), at = box.getBoundingClientRect(), frames = [];
  map.showAll();
  const start = performance.now();
  while (performance.now() - start < 3000) {
    const deltaY = -60 * Math.cos((performance.now() - start) / 500);
    box.dispatchEvent(new WheelEvent("wheel", { clientX: at.x + 400, clientY: at.y + 300, deltaY, cancelable: true }));
    await new Promise((done) => requestAnimationFrame(done));
    frames.push(performance.now());
  }
  return 1000 * (frames.length - 1) / (frames.at(-1) - frames[0]);
}"""


def make_quarter(source: Lake, quarter: str, target: Lake, n_topics: int) -> None:
    """Publish copies of a quarter's topics, with their firms, themes and most telling sentences."""
    record = published_record(source, quarter)
    tables = {name: source.read_folder(source.table_dir(name, quarter)) for name in ("firms", "topics", "themes")}
    tables["theme_topics"] = source.read_folder(source.table_dir("theme_topics", quarter))
    exemplars = pc.list_flatten(pc.list_slice(tables["topics"]["exemplar_ids"].combine_chunks(), 0, 3))
    sentences = source.read_folder(source.table_dir("sentences", quarter))
    tables["sentences"] = sentences.filter(pc.is_in(sentences["sentence_id"], value_set=exemplars))
    n_copies = -(-n_topics // tables["topics"].num_rows)
    for name, table in tables.items():
        copies = list(_copies(name, table, n_copies))
        if name == "sentences":
            for number, copy in enumerate(copies):
                target.write_table(f"{target.table_dir(name, quarter)}/part-{number:05d}.parquet", copy)
        else:
            target.write_table(f"{target.table_dir(name, quarter)}/part-00000.parquet", pa.concat_tables(copies))
    n_done = record["counts"]["n_done"] * n_copies
    target.write_json(
        target.run_file(quarter, record["run_id"]), record | {"counts": record["counts"] | {"n_done": n_done}}
    )


def _copies(name: str, table: pa.Table, n_copies: int) -> Iterator[pa.Table]:
    noise = np.random.default_rng(0)
    for copy in range(n_copies):
        made = {column: table[column] for column in table.column_names}
        for column in ("firm_id", "theme_id", "sentence_id"):
            if column in made:
                made[column] = _renamed(table[column], copy, column == "theme_id")
        for column in ("exemplar_ids", "exemplar_topic_ids", "top_firms", "sentence_ids"):
            if column in made:
                values = table[column].to_pylist()
                made[column] = pa.array(
                    [[f"c{copy}.{text}" for text in texts] for texts in values], pa.list_(pa.string())
                )
        if name in ("topics", "themes"):
            made["summary_source"] = pa.array(["llm"] * table.num_rows)
            vectors = vectors_of(table["embedding"])
            turned = vectors + _NOISE * noise.standard_normal(vectors.shape).astype(np.float32) / np.sqrt(
                vectors.shape[1]
            )
            turned /= np.linalg.norm(turned, axis=1, keepdims=True)
            made["embedding"] = pa.array(list(turned), table.schema.field("embedding").type)
        yield pa.table(list(made.values()), names=list(made))


def _renamed(column: pa.ChunkedArray, copy: int, is_theme: bool) -> pa.Array:
    """Other keys for a copy: `c7.18749`; themes keep the form of their ids, `2024Q4-70003`."""
    if is_theme:
        return pa.array([re.sub(r"-(\d+)$", rf"-{copy + 1}\1", text) for text in column.to_pylist()])
    return pa.array([f"c{copy}.{text}" for text in column.to_pylist()])


def make_page(root: str, quarter: str, n_exemplars: int, path: Path) -> dict[str, float]:
    """`ftm report` in a process of its own, with its seconds and its peak of memory."""
    command = [*FTM, "report", quarter, "--root", root, "--out", str(path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([*command, "--exemplars", str(n_exemplars)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "mb": path.stat().st_size / 1e6,
        "wall_s": time.perf_counter() - start,
        "processor_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_gib": after.ru_maxrss / 2**20,
    }


def open_page(path: Path, dots: float = 1) -> dict[str, float]:
    """The page in Chromium: seconds to the map and to search, frames while dragging, a query, a lazy block.

    Args:
        path: The page.
        dots: Of the screen, in each direction of a pixel.
    """
    from chromium import browser, open_file

    with browser() as running:
        opened = open_file(running, path, dots=dots)
        page = opened.page
        page.wait_for_timeout(500)
        found = {f"{name}_s": page.evaluate(f"document.body.dataset.{name} / 1000") for name in ("drawn", "ready")}
        found |= page.evaluate(_DRAG)
        page.evaluate("map.see(map.centres[0].x, map.centres[0].y, 6 * map.whole)")
        found |= {f"zoomed_{name}": value for name, value in page.evaluate(_DRAG).items()}
        found["zooming_fps"] = page.evaluate(_ZOOM)
        found["draw_ms"] = page.evaluate(_DRAWING)
        timed = "q => { const s = performance.now(); searchCard(q, search(q, 0), 0); return performance.now() - s; }"
        found["query_ms"] = max(page.evaluate(timed, query) for query in _QUERIES)
        unpack = "async () => { const s = performance.now(); await sentencesOf(700); return performance.now() - s; }"
        found["block_ms"] = page.evaluate(unpack)
        assert opened.said == [], opened.said
        assert set(opened.asked) == {opened.address}, opened.asked
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="where the quarter is published")
    parser.add_argument("quarter")
    parser.add_argument("--topics", type=int, default=75_000)
    parser.add_argument("--exemplars", type=int, nargs="+", default=[0, 3])
    parser.add_argument("--keep", help="folder for the copied quarter and the pages; default: a temporary one")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="report-page-") as temporary:
        folder = Path(arguments.keep or temporary)
        root = str(folder / f"root-{arguments.topics}")
        if not Path(root).exists():
            make_quarter(Lake(arguments.root), arguments.quarter, Lake(root), arguments.topics)
        result = {}
        for n_exemplars in arguments.exemplars:
            path = folder / f"page-{arguments.topics}-{n_exemplars}.html"
            result[n_exemplars] = make_page(root, arguments.quarter, n_exemplars, path) | open_page(path)
    rounded = {n: {name: round(value, 2) for name, value in found.items()} for n, found in result.items()}
    print(json.dumps(rounded, indent=None if arguments.json else 1))


if __name__ == "__main__":
    main()
