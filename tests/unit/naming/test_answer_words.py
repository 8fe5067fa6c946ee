"""Answers and endings as a person reads them."""

import pytest

from ftm_ray.naming.answer_words import OUTCOME_MEANINGS, answer_lines
from ftm_ray.naming.outcomes import Outcome


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ('{"label": "A product", "summary": "It is a product."}', ("A product", "It is a product.")),
        ("The firms talk.", ("The firms talk.",)),
        ('["a", "b"]', ('["a", "b"]',)),
        ('{"label": 1}', ('{"label": 1}',)),
        (r'{"label": "\ud83d"}', ("?",)),
        (None, ()),
    ],
)
def test_an_answer_is_read_without_its_form(answer, lines):
    assert answer_lines(answer) == lines


def test_each_ending_is_said_in_words_of_its_own():
    assert set(OUTCOME_MEANINGS) == set(Outcome)
    assert len(set(OUTCOME_MEANINGS.values())) == len(Outcome)
