"""The identity of a run: the same work has the same id, other work never has."""

from dataclasses import replace
from pathlib import Path

import pytest
from invented import QUARTER, run_files, write_six_firms, write_six_parts

import ftm_ray
from ftm_ray.config import RunConfig, load_config
from ftm_ray.errors import SourceError
from ftm_ray.lake import runs
from ftm_ray.lake.runs import is_published, part_name, published_run_id, run_ids, with_digest
from ftm_ray.lake.storage import Lake

PACKAGE = Path(ftm_ray.__file__).parent


@pytest.fixture
def manifest(lake):
    return write_six_firms(lake)


def ids(manifest, **changes):
    return run_ids(load_config(None, {key.replace("__", "."): value for key, value in changes.items()}), manifest)


# --- ids -----------------------------------------------------------------------------------------------------------


def test_equal_work_has_equal_ids(manifest):
    assert ids(manifest) == ids(manifest)
    assert ids(manifest).run_id.startswith(f"{QUARTER}-")
    assert ids(manifest).run_id != ids(manifest).map_id


def test_the_number_of_workers_is_no_part_of_an_id(manifest):
    assert ids(manifest, workers=3) == ids(manifest)


def test_other_themes_are_another_run_over_the_same_parts(manifest):
    other = ids(manifest, themes__min_cluster_size=5)
    assert other.run_id != ids(manifest).run_id
    assert other.map_id == ids(manifest).map_id


def test_other_topics_are_another_run_and_other_parts(manifest):
    other = ids(manifest, topics__min_cluster_size=5)
    assert other.run_id != ids(manifest).run_id
    assert other.map_id != ids(manifest).map_id


def test_another_prefetch_store_is_another_run(manifest):
    changed = replace(manifest, digest="1" * 64)
    assert ids(changed).map_id != ids(manifest).map_id


def test_other_code_is_another_run(manifest, monkeypatch):
    before = ids(manifest)
    monkeypatch.setattr(runs, "code_version", lambda: "9.9.9+00000000")
    assert ids(manifest).run_id != before.run_id
    assert ids(manifest).map_id == before.map_id  # another clustering of themes does not cost the map again


def test_other_code_of_the_map_is_another_map(manifest, monkeypatch):
    before = ids(manifest)
    monkeypatch.setattr(runs, "map_code_version", lambda: "9.9.9+00000000")
    assert ids(manifest).map_id != before.map_id


# --- files ---------------------------------------------------------------------------------------------------------


def test_parts_lie_under_the_map_so_that_other_themes_find_them(lake, manifest):
    one = run_files(lake, manifest, RunConfig())
    other = run_files(lake, manifest, load_config(None, {"themes.min_firms": 3}))
    assert one.part_path(manifest.batches[1]) == other.part_path(manifest.batches[1])
    assert one.part_path(manifest.batches[1]).endswith(part_name(manifest.batches[1]))
    assert one.part_path(manifest.batches[0]) != one.part_path(manifest.batches[1])


def test_parts_come_in_the_order_of_the_batches(six_firms_run):
    seen = [(batch.number, part["firm_id"].to_pylist()) for batch, part in six_firms_run.parts()]
    assert seen == [(0, ["F0", "F1", "F2"]), (1, ["F3", "F4", "F5"])]


def test_the_store_comes_in_the_order_of_the_batches_and_each_chunk_is_opened_once(six_firms_run, monkeypatch):
    opened = []
    read = Lake.read_row_groups
    monkeypatch.setattr(Lake, "read_row_groups", lambda *given: opened.append(given[1]) or read(*given))
    seen = [(batch.number, firms["firm_id"].to_pylist()) for batch, firms in six_firms_run.stored_firms()]
    assert seen == [(0, ["F0", "F1", "F2"]), (1, ["F3", "F4", "F5"])]
    assert len(opened) == 1


def test_a_chunk_that_lost_a_batch_is_named(six_firms_run):
    write_six_firms(six_firms_run.lake, groups=(3,))
    with pytest.raises(SourceError, match=r"chunk_0000\.parquet"):
        list(six_firms_run.stored_firms())


def test_a_missing_part_is_named(six_firms_run):
    path = six_firms_run.part_path(six_firms_run.manifest.batches[1])
    six_firms_run.lake.delete_file(path)
    with pytest.raises(SourceError, match=path):
        list(six_firms_run.parts())


# --- what is published ---------------------------------------------------------------------------------------------


def publish(run, config):
    """Publish as the pipeline does, with run.json last."""
    from ftm_ray.run.reduce import ThemePublisher

    write_six_parts(run)
    report = ThemePublisher(config, "none").publish(run)
    files = {path: {"rows": n_rows} for path, n_rows in report.rows.items()}
    run.lake.write_json(run.lake.run_file(run.quarter, run.run_id), with_digest({"files": files}))


def test_a_run_is_published_when_its_record_and_its_tables_are_there(six_firms_run, config):
    lake, manifest = six_firms_run.lake, six_firms_run.manifest
    mine = run_ids(config, manifest)
    assert not is_published(lake, manifest, mine)
    publish(six_firms_run, config)
    assert is_published(lake, manifest, mine)
    assert published_run_id(lake, QUARTER) == mine.run_id
    lake.delete_file(lake.run_file(QUARTER, mine.run_id))
    assert not is_published(lake, manifest, mine)


def test_a_run_with_a_lost_file_is_no_longer_published(six_firms_run, config):
    lake, manifest = six_firms_run.lake, six_firms_run.manifest
    publish(six_firms_run, config)
    lake.delete_file(six_firms_run.table_path("sentences", 1))
    assert not is_published(lake, manifest, run_ids(config, manifest))


def test_a_run_whose_tables_another_run_replaced_is_no_longer_published(six_firms_run, config):
    lake, manifest = six_firms_run.lake, six_firms_run.manifest
    publish(six_firms_run, config)
    other = config.model_copy(update={"themes": config.themes.model_copy(update={"min_firms": 3})})
    publish(run_files(lake, manifest, other), other)
    assert not is_published(lake, manifest, run_ids(config, manifest))
    assert is_published(lake, manifest, run_ids(other, manifest))
    assert lake.exists(lake.run_file(QUARTER, run_ids(config, manifest).run_id))  # the record itself stays


def test_nothing_is_published_in_an_empty_lake(lake):
    assert published_run_id(lake, QUARTER) is None
