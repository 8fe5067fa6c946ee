"""The judged set keeps its form and balance, and the guards refuse what a reader calls bad."""

from collections import Counter

import pytest
from good_endpoint import topic_answer
from judged_set import DATA, KINDS, answers, guarded, is_flagged, is_refused, ratio_of, read_real_sentences, topics

from ftm_ray.naming.prompts import topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens

GOOD = [answer for answer in answers() if answer.judged == "good"]
BAD = [answer for answer in answers() if answer.judged == "bad"]


def test_there_are_enough_answers_of_both_kinds():
    assert len([answer for answer in GOOD if answer.by == "hand"]) >= 120
    assert len([answer for answer in answers() if answer.by == "smollm2"]) >= 120
    assert {answer.judged for answer in answers()} == {"good", "bad"}
    assert {answer.kind for answer in GOOD} == {None}
    assert {answer.kind for answer in BAD} <= set(KINDS)
    assert len({answer.id for answer in answers()}) == len(answers())


def test_the_halves_are_alike():
    counts = Counter((answer.by, answer.kind, answer.half) for answer in answers())
    for by, kind, _ in counts:
        assert abs(counts[by, kind, "develop"] - counts[by, kind, "held_out"]) <= 1


def test_every_answer_has_its_topic_and_real_calls_lend_no_words():
    for answer in answers():
        topic = topics()[answer.first_sentence]
        assert topic["source"] == answer.source
        assert ("sentences" in topic) == (answer.source == "sample")
        assert answer.first_sentence.startswith(f"{answer.firm_id}_")


def test_each_topic_finds_its_own_hand_written_answer():
    written = {answer.first_sentence: answer for answer in GOOD if answer.by == "hand" and answer.source == "sample"}
    for first, answer in written.items():
        topic = topics()[first]
        shown = topic["sentences"][1:] or topic["sentences"]  # a sentence less: topics may change a little
        material = topic_prompt(["other", "words"], shown, EstimatedTokens(), 900).material
        assert topic_answer(material) == (answer.label, answer.text)


def test_no_answer_is_given_to_what_nobody_wrote_about():
    material = topic_prompt(["moon"], ["The moon is made of cheese.", "Mice live there."], EstimatedTokens(), 900)
    assert topic_answer(material.material) is None


@pytest.fixture(scope="module")
def real_sentences(tmp_path_factory):
    return read_real_sentences(tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize("half", ["develop", "held_out"])
def test_the_guards_tell_good_from_bad(half, real_sentences):
    """Of real calls only where the test data is: without it, the sample's answers count alone."""
    pytest.importorskip("ftm_ray.naming.content_guards")
    here = [one for one in answers() if one.half == half and (one.source == "sample" or real_sentences)]
    looked_at = [(one, guarded(one, real_sentences)) for one in here]
    caught = [is_refused(judged) or is_flagged(judged) for one, judged in looked_at if one.judged == "bad"]
    lost = [is_refused(judged) for one, judged in looked_at if one.judged == "good"]
    assert ratio_of(lost) <= 0.02
    assert ratio_of(caught) >= 0.95


def test_real_answers_can_be_looked_at(real_sentences):
    if not real_sentences:
        pytest.skip(f"no test data at {DATA}; set FTM_TEST_DATA to the folder that holds sets.json")
    asked = [one for one in answers() if one.source == "nasdaq10"]
    assert all(one in real_sentences for answer in asked for one in topics()[answer.first_sentence]["exemplar_ids"])
