"""The shipped weights must load, know their encoder, and keep business."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ftm_ray.config import BUNDLED_ENCODER
from ftm_ray.errors import ConfigError
from ftm_ray.text.boilerplate_classifier import WEIGHTS_PATH, BoilerplateClassifier

GOLDEN = Path(__file__).parents[2] / "golden"


def unit_vectors(n: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, 384)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def classifier() -> BoilerplateClassifier:
    return BoilerplateClassifier.load(BUNDLED_ENCODER)


def test_another_encoder_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match='boilerplate="rules"'):
        BoilerplateClassifier.load("bge-small-en-v1.5")


def test_the_full_hub_name_of_the_same_encoder_is_accepted():
    assert BoilerplateClassifier.load(f"sentence-transformers/{BUNDLED_ENCODER}").encoder == BUNDLED_ENCODER


def test_vectors_of_another_encoder_are_refused(classifier):
    with pytest.raises(ValueError, match=r"\(n, 384\).*\(2, 768\)"):
        classifier.probabilities(np.zeros((2, 768), dtype=np.float32))


def test_shapes_types_and_range(classifier):
    probabilities = classifier.probabilities(unit_vectors(50))
    assert probabilities.shape == (50,) and probabilities.dtype == np.float32
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert classifier.mask(unit_vectors(50)).dtype == bool
    assert classifier.mask(np.zeros((0, 384), dtype=np.float32)).shape == (0,)
    assert classifier.topic_mask(np.zeros((0, 384), dtype=np.float32)).shape == (0,)


def test_a_sentence_is_judged_the_same_in_any_company(classifier):
    vectors = unit_vectors(257)
    alone = np.concatenate([classifier.probabilities(vectors[i : i + 1]) for i in range(257)])
    assert np.array_equal(alone, classifier.probabilities(vectors))


def test_the_length_of_a_centroid_does_not_matter(classifier):
    centroids = unit_vectors(200)
    assert np.array_equal(classifier.topic_mask(centroids), classifier.topic_mask(0.3 * centroids))


def test_probabilities_are_the_logistic_function_of_the_weights(classifier):
    vectors = unit_vectors(5)
    expected = 1 / (1 + np.exp(-(vectors.astype(np.float64) @ classifier.weights + classifier.bias)))
    assert np.allclose(classifier.probabilities(vectors), expected, atol=1e-6)


def test_the_shipped_file_is_small_and_says_how_good_it_is():
    assert WEIGHTS_PATH.stat().st_size < 8_000
    held_out = json.loads(WEIGHTS_PATH.read_text(encoding="utf-8"))["figures"]["hold-out, both"]
    assert held_out["precision"] >= 0.95 and held_out["recall"] >= 0.85


def test_labels_hold_no_text_and_are_complete():
    with (GOLDEN / "boilerplate_labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} == {"business", "procedural", "filler"}
    assert sum(row["sample"] == "random" for row in rows) >= 900
    assert all(len(row["sentence_sha1"]) == 16 and int(row["sentence_sha1"], 16) >= 0 for row in rows)
    by_sentence: dict[str, set[str]] = {}
    for row in rows:
        by_sentence.setdefault(row["sentence_sha1"], set()).add(row["label"])
    assert all(len(labels) == 1 for labels in by_sentence.values()), "one sentence, two labels"


def test_made_up_examples_are_not_real_labelled_sentences():
    with (GOLDEN / "boilerplate_labels.csv").open(encoding="utf-8") as file:
        real = {row["sentence_sha1"] for row in csv.DictReader(file)}
    with (GOLDEN / "boilerplate_examples.csv").open(encoding="utf-8") as file:
        made_up = {hashlib.sha1(row["text"].encode()).hexdigest()[:16] for row in csv.DictReader(file)}
    assert not real & made_up


def test_the_quality_script_says_so_when_the_data_is_absent(tmp_path):
    script = Path(__file__).parents[2] / "benchmarks" / "boilerplate_quality.py"
    run = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={"FTM_TEST_DATA": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert run.returncode == 0, run.stderr
    assert "skipped" in run.stdout and str(tmp_path) in run.stdout


@pytest.fixture(scope="module")
def encode():
    """The real encoder, for sentences that nobody trained on."""
    from ftm_ray.config import EmbedSettings
    from ftm_ray.vectors.encoder import SentenceEncoder

    return SentenceEncoder(EmbedSettings(precision="fp32")).encode


def test_filler_goes_and_business_stays(classifier, encode):
    boilerplate = [
        "So hopefully that gives you a feel for how we are looking at it.",
        "I'll let Barbara speak to that in a moment.",
        "We'll provide you with an update on that in due course.",
    ]
    business = [
        "Copper prices rose and our smelters ran at full capacity.",
        "We now expect fiscal 25 revenue growth at the high end of our guidance.",
        "Medicare risk adjustment lowered our medical loss ratio.",
        "Generative AI features lifted the average price per seat.",
    ]
    assert classifier.mask(encode(boilerplate)).all()
    assert not classifier.mask(encode(business)).any()


def test_topics_of_insurers_risk_adjustment_and_of_guidance_stay(classifier, encode):
    risk = [
        "Risk adjustment transfers were higher.",
        "The risk adjustment program hurt margins of our exchange plans.",
    ]
    guidance = ["Our fiscal 25 guidance assumes flat volumes.", "We raise fiscal 25 guidance for operating income."]
    boilerplate = [
        "I'll take that one.",
        "Let me start and then Jim can add to it.",
        "Let me take the second question.",
    ]
    centroids = np.stack([encode(topic).mean(axis=0) for topic in (risk, guidance, boilerplate)])
    assert classifier.topic_mask(centroids).tolist() == [False, False, True]
