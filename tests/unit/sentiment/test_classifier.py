import json

import pytest
from tiny_classifier import make_tiny_classifier

from ftm_ray.errors import ConfigError
from ftm_ray.sentiment.classifier import SentimentClassifier, find_model

TEXTS = ["demand was strong.", "costs rose and we lost money.", "we opened forty stores in may."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_classifier(tmp_path_factory.mktemp("tone"), ("neutral", "positive", "negative"))


def columns(folder, texts=TEXTS):
    scores = SentimentClassifier(find_model(str(folder), "fp32")).scores(texts)
    return {name: values.to_pylist() for name, values in scores.items()}


def test_probabilities_stand_under_the_names_of_their_labels(folder, tmp_path):
    found = columns(folder)
    other = columns(make_tiny_classifier(tmp_path, ("positive", "negative", "neutral")))  # the same weights
    assert found["p_neu"] == other["p_pos"] and found["p_pos"] == other["p_neg"] and found["p_neg"] == other["p_neu"]
    for of_text in zip(found["p_pos"], found["p_neg"], found["p_neu"], strict=True):
        assert sum(of_text) == pytest.approx(1, abs=2e-4)
    assert len(set(found["p_pos"])) == 3
    assert found["precision"] == ["fp32"] * 3


def test_a_model_of_two_classes_says_nothing_of_neutral(tmp_path):
    found = columns(make_tiny_classifier(tmp_path, ("NEGATIVE", "POSITIVE")))
    assert found["p_neu"] == [None] * 3
    assert found["p_pos"] == pytest.approx([1 - p for p in found["p_neg"]], abs=2e-4)


def test_no_texts_give_no_rows(folder):
    assert columns(folder, []) == {"p_pos": [], "p_neg": [], "p_neu": [], "precision": []}


def test_the_digest_changes_with_the_model_and_with_its_arithmetic(folder, tmp_path):
    model = find_model(str(folder), "fp32")
    assert find_model(str(folder), "fp32").digest == model.digest
    assert find_model(str(folder), "bf16").digest != model.digest
    again = make_tiny_classifier(tmp_path, ("neutral", "positive", "negative"))
    assert find_model(str(again), "fp32").digest == model.digest  # wherever it lies
    weights = again / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert find_model(str(again), "fp32").digest != model.digest


def test_a_model_on_the_hub_is_one_revision_of_it(folder, tmp_path, monkeypatch):
    """As the hub's client keeps what it has loaded."""
    commit, cache = "0123456789abcdef0123456789abcdef01234567", tmp_path / "models--someone--tone"
    (cache / "snapshots").mkdir(parents=True)
    (cache / "snapshots" / commit).symlink_to(folder)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path))
    model = find_model("someone/tone", "fp32")
    assert model.source.revision == commit
    assert model.digest != find_model(str(folder), "fp32").digest
    assert columns("someone/tone") == columns(folder)


def test_labels_that_do_not_tell_are_refused_before_weights_are_read(tmp_path):
    labels = {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "id2label": labels}))
    with pytest.raises(ConfigError, match="sentiment model.*got LABEL_0, LABEL_1, LABEL_2: which is which"):
        find_model(str(tmp_path), "auto")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot load sentiment\.model '.*nowhere'"):
        find_model(str(tmp_path / "nowhere"), "auto")
