"""Kinds of themes from stored weights."""

import json

import numpy as np
import pytest

from ftm_ray.config import BUNDLED_ENCODER
from ftm_ray.themes.kind import KindClassifier, ThemeKind


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "weights.json"
    weights = {"subject": [1, 0, 0], "results": [0, 1, 0], "vague": [0, 0, 1]}
    biases = {"subject": 0.2, "results": 0.0, "vague": 0.0}
    path.write_text(json.dumps({"encoder": "three", "weights": weights, "biases": biases}))
    return path


def test_the_likeliest_kind_is_told(stored):
    classifier = KindClassifier.load("three", stored)
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.6, 0.6]], dtype=np.float32)
    assert classifier.kinds(vectors) == ["subject", "results", "vague", "subject"]  # the bias decides the last


def test_with_another_encoder_no_kind_can_be_told(stored):
    assert KindClassifier.load("another", stored) is None


def test_vectors_of_another_length_are_refused(stored):
    with pytest.raises(ValueError, match=r"must be \(n, 3\) for encoder 'three', got \(1, 2\)"):
        KindClassifier.load("three", stored).kinds(np.ones((1, 2), dtype=np.float32))


def test_the_shipped_weights_fit_the_bundled_encoder():
    classifier = KindClassifier.load(f"sentence-transformers/{BUNDLED_ENCODER}")
    assert classifier.weights.shape == (len(ThemeKind), 384)
