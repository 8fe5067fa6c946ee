import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_classifier import make_tiny_classifier

from ftm_ray.errors import ConfigError
from ftm_ray.vectors import sequence_classifier
from ftm_ray.vectors.sequence_classifier import ClassifierSource, SequenceClassifier

RNG = random.Random(4)
TEXTS = [" ".join(RNG.choice("abcdefgh") for _ in range(RNG.randint(1, 140))) for _ in range(60)]  # some are too long


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = make_tiny_classifier(tmp_path_factory.mktemp("classifier"), ("a", "b", "c"))
    return ClassifierSource(str(folder), "the.setting", "texts")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_a_text_gets_depends_on_the_text_alone(source, precision, monkeypatch):
    monkeypatch.setattr(sequence_classifier, "_DIGITS", 17)  # to the last bit
    classifier = SequenceClassifier(source, precision=precision)
    together = classifier.probabilities(TEXTS)
    order = RNG.sample(range(len(TEXTS)), len(TEXTS))
    assert np.array_equal(classifier.probabilities([TEXTS[n] for n in order]), together[order])
    assert np.array_equal(classifier.probabilities([TEXTS[n] for n in order[:7]]), together[order[:7]])
    assert np.array_equal(classifier.probabilities(TEXTS[5:6]), together[5:6])


def test_both_arithmetics_say_about_the_same(source):
    exact, fast = (SequenceClassifier(source, precision=name).probabilities(TEXTS) for name in ("fp32", "bf16"))
    assert np.abs(exact - fast).max() < 0.1
    assert np.mean(exact.argmax(axis=1) == fast.argmax(axis=1)) > 0.9
    assert not np.array_equal(exact, fast)  # the setting does something


def test_filling_up_changes_nothing_but_rounding(source):
    """Against the model called as its authors do, one text at a time."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source.name)
    model = AutoModelForSequenceClassification.from_pretrained(source.name).eval()
    short = [text for text in TEXTS if len(text) < 200][:12]
    with torch.inference_mode():
        alone = [model(**tokenizer(text, return_tensors="pt")).logits.softmax(dim=1)[0].numpy() for text in short]
    assert np.abs(SequenceClassifier(source).probabilities(short) - np.array(alone)).max() < 1e-4


def test_no_text_gives_an_empty_table(source):
    assert SequenceClassifier(source).probabilities([]).shape == (0, 3)


def test_weights_in_a_pickle_are_refused(source, tmp_path):
    """Whoever made it could have it run anything."""
    import torch
    from safetensors.torch import load_file

    folder = Path(source.name)
    for file in folder.iterdir():
        if file.name != "model.safetensors":
            shutil.copy(file, tmp_path)
    torch.save(load_file(folder / "model.safetensors"), tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="safetensors"):
        SequenceClassifier(replace(source, name=str(tmp_path)))
