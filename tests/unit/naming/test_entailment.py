import json

import pytest
from tiny_classifier import NLI_LABELS, make_tiny_classifier

from ftm_ray.errors import ConfigError
from ftm_ray.naming.entailment import EntailmentJudge, borne_out_class

SENTENCES = [
    ["freight costs rose in the quarter.", "we pay more for trucks."],
    ["demand for chips was weak."],
    ["we opened forty stores.", "rents are high.", "two more come in may."],
] * 9  # more than one batch
CLAIMS = ["freight is dearer.", "chips sell well.", "new stores."] * 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_classifier(tmp_path_factory.mktemp("nli"))


@pytest.fixture(scope="module")
def judge(folder):
    return EntailmentJudge(str(folder))


def test_each_claim_has_a_probability_in_the_order_given(judge):
    found = judge.probabilities(SENTENCES, CLAIMS)
    assert all(0 <= p <= 1 for p in found)
    alone = [judge.probabilities([said], [claim])[0] for said, claim in zip(SENTENCES, CLAIMS, strict=True)]
    assert found == pytest.approx(alone, abs=2e-4)
    assert len(set(found[:3])) == 3
    assert judge.probabilities([], []) == []


def test_the_classes_of_one_model_share_one(folder, judge, tmp_path):
    """The same weights, asked for each class in turn: the labels say which number is meant."""
    total = 0.0
    for place in range(3):
        labels = tuple("entailment" if n == place else f"other {n}" for n in range(3))
        other = EntailmentJudge(str(make_tiny_classifier(tmp_path / str(place), labels)))
        (p,) = other.probabilities(SENTENCES[:1], CLAIMS[:1])
        total += p
        assert (p == judge.probabilities(SENTENCES[:1], CLAIMS[:1])[0]) == (place == NLI_LABELS.index("entailment"))
    assert total == pytest.approx(1, abs=2e-4)


def test_of_a_long_pair_the_last_sentences_are_cut_off(judge):
    claim = "new stores."
    long = ["we opened forty stores and rents are high. " * 4]
    with_more, as_long = judge.probabilities([[*long, "nothing of this is so."], long], [claim, claim])
    assert with_more == as_long
    other_claim = judge.probabilities([long], ["old stores."])[0]
    assert other_claim != as_long  # the claim was read


@pytest.mark.parametrize("labels", [("not_entailment", "entailment"), ("0 unsupported", "SUPPORTED")])
def test_fact_checkers_have_two_classes(tmp_path, labels):
    assert borne_out_class(str(make_tiny_classifier(tmp_path, labels))) == 1


@pytest.mark.parametrize("labels", [("LABEL_0", "LABEL_1", "LABEL_2"), ("entailment",), ("supported", "entailment")])
def test_labels_that_do_not_tell_are_refused(tmp_path, labels):
    with pytest.raises(ConfigError, match=f"must have one class called entailment.*got {labels[0]}"):
        EntailmentJudge(str(make_tiny_classifier(tmp_path, labels)))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot load llm\.support_model '.*nowhere'"):
        EntailmentJudge(str(tmp_path / "nowhere"))


def test_a_model_without_a_trained_head_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = make_tiny_classifier(tmp_path)
    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("classifier")}, folder / "model.safetensors")
    assert json.loads((folder / "config.json").read_text())["id2label"]["1"] == "entailment"
    with pytest.raises(ConfigError, match=r"lacks weights \(classifier"):
        EntailmentJudge(str(folder))
