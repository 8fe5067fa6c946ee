"""`ftm sentiment` on real Ray, over the sample quarter as an earlier version published it, with a tiny random model."""

import hashlib
import signal
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow.parquet as pq
import pytest
from sample import QUARTER
from test_root_of_before import FIRST, GOLDEN
from tiny_classifier import make_tiny_classifier

import ftm_ray
from ftm_ray.cli.launch.ray_errors import ray_errors
from ftm_ray.config import RunConfig, SentimentSettings
from ftm_ray.errors import ConfigError
from ftm_ray.lake.storage import Lake
from ftm_ray.run.tone import score_quarter
from ftm_ray.sentiment.classifier import SentimentClassifier, find_model

TEXTS_PER_PART = 60

#: `ftm sentiment` that gets a SIGTERM as soon as the third part is written.
STOPPED = """
import os, signal, sys
from ftm_ray.cli.main import main
from ftm_ray.run.text_scores import ScoreStore
write, written = ScoreStore.write, []
def write_and_stop(self, part):
    write(self, part)
    written.append(part.num_rows)
    if len(written) == 3:
        os.kill(os.getpid(), signal.SIGTERM)
ScoreStore.write = write_and_stop
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_tiny_classifier(tmp_path_factory.mktemp("tone") / "model", ("neutral", "positive", "negative"))


def published_sample(root: Path) -> Lake:
    with ZipFile(GOLDEN / FIRST) as files:
        files.extractall(root)
    return Lake(str(root))


def score(lake: Lake, model: Path, workers: int):
    settings = SentimentSettings(model=str(model), texts_per_part=TEXTS_PER_PART)
    return score_quarter(lake.root, QUARTER, RunConfig(workers=workers, sentiment=settings), lambda _: None)


def tables(lake: Lake) -> dict[str, str]:
    paths = sorted(Path(lake.root).glob("processed/*_sentiment/*/*.parquet"))
    return {str(path.relative_to(lake.root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def part_files(lake: Lake) -> list[Path]:
    return sorted(Path(lake.root).glob("intermediate/sentiment/*/*/*.parquet"))


def parts(lake: Lake) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in part_files(lake)}


def test_sentiment_is_the_same_however_it_is_made_and_no_sentence_is_asked_about_twice(tmp_path, model, ray_cluster):
    calm = published_sample(tmp_path / "calm")
    first = score(calm, model, workers=2)
    counts = first.record["counts"]
    assert counts["n_scored"] == counts["n_texts"] > 6 * TEXTS_PER_PART
    assert len(parts(calm)) >= 6

    results = ftm_ray.open_results(calm.root)
    rows = results.sql(
        "SELECT raw_text, p_pos, p_neg, p_neu FROM sentence_sentiment JOIN sentences USING (quarter, sentence_id)"
    ).fetchall()
    assert len(rows) == counts["n_sentences"]
    here = SentimentClassifier(find_model(str(model), "auto")).scores([row[0] for row in rows])
    there = np.array([row[1:] for row in rows])
    assert np.array_equal(there, np.column_stack([here[name].to_numpy() for name in ("p_pos", "p_neg", "p_neu")]))
    assert there.std(axis=0).min() > 0.01

    stopped = published_sample(tmp_path / "stopped")
    config = tmp_path / "config.toml"
    config.write_text(f"workers = 1\n[sentiment]\ntexts_per_part = {TEXTS_PER_PART}\n")
    arguments = ["sentiment", QUARTER, "--root", stopped.root, "--model", str(model), "--config", str(config)]
    child = subprocess.run([sys.executable, "-c", STOPPED, *arguments], capture_output=True, text=True, timeout=300)
    assert child.returncode == 128 + signal.SIGTERM, child.stderr
    assert "the same command goes on" in child.stderr and "Traceback" not in child.stderr
    kept = parts(stopped)
    n_kept = sum(pq.read_metadata(path).num_rows for path in part_files(stopped))
    assert 3 * TEXTS_PER_PART <= n_kept < counts["n_texts"] and tables(stopped) == {}
    resumed = score(stopped, model, workers=1)
    assert resumed.record["counts"]["n_scored"] == counts["n_texts"] - n_kept
    assert {name: when for name, when in parts(stopped).items() if name in kept} == kept
    assert tables(stopped) == tables(calm) != {}

    made = parts(calm)
    assert score(calm, model, workers=2).already_done
    calm.delete_file(calm.sentiment_record(QUARTER, first.record["run_id"]))  # the tables are to be made again
    again = score(calm, model, workers=2)
    assert again.record["counts"] == counts | {"n_scored": 0}
    assert "start" not in again.record["seconds"] and "score" not in again.record["seconds"]  # no Ray, no model
    assert parts(calm) == made
    assert tables(calm) == tables(stopped)


def test_a_model_without_weights_of_its_head_is_one_sentence(tmp_path, model, ray_cluster):
    from safetensors.torch import load_file, save_file

    headless = make_tiny_classifier(tmp_path / "model", ("neutral", "positive", "negative"))
    weights = load_file(headless / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("classifier")}, headless / "model.safetensors")
    lake = published_sample(tmp_path / "root")
    with pytest.raises(ConfigError, match=r"sentiment\.model .* lacks weights \(classifier"), ray_errors():
        score(lake, headless, workers=1)
    assert tables(lake) == {}
