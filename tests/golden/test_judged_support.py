"""The endpoint that answers well: its answers are borne out by their own sentences, and planted figures are told."""

import json

import pytest
from judged_set import GOLDEN, answers, topics
from judged_support import N_PLANTED, GoodAnswer, n_planted_told, support_figures

from ftm_ray.config import EmbedSettings
from ftm_ray.vectors.encoder import SentenceEncoder


@pytest.fixture(scope="module")
def good():
    """What was written by hand about the first sample quarter; the benchmark reads all there are."""
    rows = map(json.loads, (GOLDEN / "hand_answers.jsonl").read_text(encoding="utf-8").splitlines())
    themes = {row["first_sentence"]: row["theme"] for row in rows}
    return [
        GoodAnswer(
            one.firm_id,
            one.label,
            one.text,
            (", ".join(topics()[one.first_sentence]["keywords"]), *topics()[one.first_sentence]["sentences"]),
            themes[one.first_sentence],
        )
        for one in answers()
        if one.judged == "good" and one.source == "sample" and one.quarter == "2024Q1"
    ]


def test_support_is_higher_for_a_texts_own_sentences_than_for_those_of_others(good):
    figures = support_figures(good, SentenceEncoder(EmbedSettings()))
    assert figures.elsewhere >= 0.95
    assert figures.n_beside >= 40
    assert figures.beside >= 0.80


def test_dealt_out_at_random_the_same_texts_are_hardly_above_chance(good):
    """What the figure above would be if support saw nothing."""
    shifted = [
        GoodAnswer(one.firm_id, one.label, one.text, good[(n + len(good) // 2) % len(good)].sources, one.theme)
        for n, one in enumerate(good)
    ]
    assert support_figures(shifted, SentenceEncoder(EmbedSettings())).elsewhere < 0.65


def test_each_planted_wrong_figure_is_told(good):
    assert n_planted_told(good) == N_PLANTED
