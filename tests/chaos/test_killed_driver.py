"""SIGKILL of the command itself, at moments spread over all that it does."""

import os
import random

import pytest
from published import NEXT, copy_run
from sample import QUARTER
from scene import Case, answer_files, asked, copy_state, locked, new_files, new_parts, part_files, remove, table
from tiny_classifier import make_tiny_classifier

from ftm_ray.lake.storage import Lake

KIND = "driver killed"

#: Delays after an observed moment: the same in every run of the suite, others with another number.
CHANCE = random.Random(int(os.environ.get("FTM_CHAOS_SEED", "17")))


def later(most_s: float) -> float:
    return CHANCE.uniform(0.0, most_s)


def test_while_it_starts(case_of, calm):
    case = case_of("unnamed", KIND, "3 x while it starts: 0 to 4 s after it has the lock")
    for _ in range(3):
        case.kill_driver(locked, later(4.0))
    case.finish()
    assert case.row.blows
    case.check(calm)


def test_in_the_map(case_of, calm):
    case = case_of("prefetched", KIND, "4 x in the map: after 1, 2, 3 and 1 new part files")
    for n in (1, 2, 3, 1):
        case.kill_driver(new_parts(n), later(0.5))
    kept = {path.name: path.stat().st_mtime_ns for path in part_files(case.root)}
    assert len(kept) >= 7
    case.finish()
    assert {p.name: p.stat().st_mtime_ns for p in part_files(case.root) if p.name in kept} == kept
    case.check(calm)


@pytest.mark.fast
def test_while_topics_are_named(case_of, calm):
    case = case_of("unnamed", KIND, "5 x while topics are named: after 1, 5, 9, 13 and 6 questions")
    for n in (1, 5, 9, 13, 6):
        case.kill_driver(asked(n), later(0.3))
    case.finish()
    assert case.row.blows
    case.check(calm)


def test_while_themes_are_named(case_of, calm):
    case = case_of("named", KIND, "4 x while themes are found and named: after 1, 3, 2 and 1 questions")
    remove(answer_files(case.root))
    for n in (1, 3, 2, 1):
        case.kill_driver(asked(n), later(0.3))
    case.finish()
    assert case.row.blows
    case.check(calm)


def test_while_it_publishes(case_of, calm):
    tables = ("firms", "sentences", "topics", "themes", "theme_topics")
    case = case_of(
        "named", KIND, f"6 x while it publishes: as {', '.join(tables)} and the sentiment-ready table appear"
    )
    for moment in (*map(table, tables), new_files("sentiment-ready/*/*.parquet")):
        case.kill_driver(moment)
    case.finish()
    assert case.row.blows
    case.check(calm)


def test_with_a_ray_of_its_own(case_of, calm):
    case = case_of("unnamed", KIND, "2 x without a cluster, where Ray dies with it: after 3 and 9 questions")
    case.environment = None
    for n in (3, 9):
        case.kill_driver(asked(n))
    case.finish()
    assert case.row.blows
    case.check(calm)


def tables_of(root, *names):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for name in names
        for path in root.glob(f"processed/{name}/**/*.parquet")
    }


def test_sentiment(tmp_path, calm, cluster, llm, row):
    row.kind, row.harm = KIND, "4 x `ftm sentiment`: after 1, 2 and 1 new parts, and as its first table appears"
    model = make_tiny_classifier(tmp_path / "model", ("neutral", "positive", "negative"))
    config = tmp_path / "run.toml"
    config.write_text("workers = 1\n[sentiment]\ntexts_per_part = 60\n")

    def case(name):
        root = copy_state(calm, tmp_path / name, "published")
        arguments = ("sentiment", QUARTER, "--root", str(root), "--model", str(model), "--config", str(config))
        return Case(root, arguments, cluster, llm, row)

    undisturbed, struck = case("calm"), case("struck")
    undisturbed.finish()
    for moment in (
        *(new_files("intermediate/sentiment/*/*/[!.]*.parquet", n) for n in (1, 2, 1)),
        table("sentence_sentiment"),
    ):
        struck.kill_driver(moment)
    struck.finish()
    assert row.blows
    names = ("sentence_sentiment", "theme_sentiment")
    assert {path.split("/")[1] for path in tables_of(struck.root, *names)} == set(names)
    row.same_bytes = tables_of(struck.root, *names) == tables_of(undisturbed.root, *names)
    assert row.same_bytes
    struck.check(calm)


def test_lineage(tmp_path, calm, llm, row):
    row.kind, row.harm = (
        KIND,
        "5 x `ftm lineage` of two quarters: 3 x within 0.5 s of its lock, as each table appears",
    )
    (run_id,) = (path.name for path in calm.glob(f"runs/quarter={QUARTER}/*"))

    def case(name):
        root = copy_state(calm, tmp_path / name, "published")
        copy_run(Lake(str(root)), Lake(str(root)), run_id, NEXT)
        return Case(root, ("lineage", QUARTER, NEXT, "--root", str(root)), None, llm, row)

    undisturbed, struck = case("calm"), case("struck")
    undisturbed.finish()
    for _ in range(3):
        struck.kill_driver(locked, later(0.5))
    for name in ("lineage", "attention"):
        struck.kill_driver(table(name))
    struck.finish()
    assert row.blows
    row.same_bytes = tables_of(struck.root, "lineage", "attention") == tables_of(
        undisturbed.root, "lineage", "attention"
    )
    assert tables_of(struck.root, "lineage", "attention")
    assert row.same_bytes
