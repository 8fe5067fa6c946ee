"""Kinds of themes from stored weights."""

import json

import numpy as np
import pytest

from ftm_ray.config import BUNDLED_ENCODER
from ftm_ray.themes.kind import KindClassifier, SpokenTheme, ThemeKind, kind_features
from ftm_ray.vectors.query_encoder import load_query_encoder


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
    with pytest.raises(ValueError, match=r"features must be \(n, 3\) for encoder 'three', got \(1, 2\)"):
        KindClassifier.load("three", stored).kinds(np.ones((1, 2), dtype=np.float32))


def test_the_shipped_weights_fit_the_bundled_encoder():
    classifier = KindClassifier.load(f"sentence-transformers/{BUNDLED_ENCODER}")
    assert classifier.weights.shape == (len(ThemeKind), 2 * 384)


class Letters:
    """An encoder that can be done by hand: the share of a's and b's."""

    def encode(self, texts):
        return np.array([[text.count("a"), text.count("b")] for text in texts], dtype=np.float32)


def test_features_are_sentences_and_keywords():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    (features,) = kind_features([SpokenTheme(vectors, [["a b", "a"], ["a"], ["b"]])], Letters())
    assert features[:2] == pytest.approx(np.array([2, 1]) / 5**0.5)
    assert features[2:].tolist() == [2, 2]  # "a, a b, b"


def test_a_theme_without_keywords_has_features():
    (features,) = kind_features([SpokenTheme(np.eye(2, dtype=np.float32), [[], []])], Letters())
    assert features[2:].tolist() == [0, 0]


def test_only_the_ten_commonest_keywords_speak_for_a_theme():
    keywords = [[f"a{n}" for n in range(20)], [f"a{n}" for n in range(10)]]
    (features,) = kind_features([SpokenTheme(np.eye(2, dtype=np.float32), keywords)], Letters())
    assert features[2] == 10


def test_the_shipped_weights_tell_plain_cases():
    """Three invented themes, in words that nobody labelled."""
    encoder = load_query_encoder(BUNDLED_ENCODER)
    said = {
        "subject": {
            "new import tariffs on steel from China raise our costs": ["tariffs", "steel"],
            "our suppliers will be hit by tariffs": ["tariffs", "suppliers"],
        },
        "results": {
            "revenue grew 8 percent and operating margin was 21 percent": ["revenue", "operating margin"],
            "earnings per share rose to 2 dollars": ["earnings per share", "revenue"],
        },
        "vague": {
            "we are excited about the opportunity ahead of us": ["excited", "opportunity"],
            "the team made great progress and is focused on execution": ["progress", "execution"],
            "we have a clear strategy and we are confident": ["strategy", "confident"],
            "it is a journey, and we feel good about where we are": ["journey", "feel"],
        },
    }
    themes = [spoken(topics, encoder) for topics in said.values()]
    assert KindClassifier.load(BUNDLED_ENCODER).kinds(kind_features(themes, encoder)) == list(said)


def spoken(topics, encoder):
    """A theme of twelve topics that say the same few things."""
    sentences, keywords = zip(*[*topics.items()] * (12 // len(topics)), strict=True)
    return SpokenTheme(encoder.encode(sentences), keywords)
