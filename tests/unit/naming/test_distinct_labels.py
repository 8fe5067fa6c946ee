"""No two labels are the same, whatever the themes were given."""

import pytest

from ftm_ray.naming.distinct_labels import numbered, with_taken_label
from ftm_ray.text.keyword_names import keyword_name


def called(*labels):
    return [keyword_name([label], ["A sentence."]) for label in labels]


def test_labels_that_a_larger_theme_has_are_found_whatever_their_capitals():
    assert with_taken_label(called("Costs", "Freight", "costs", "Freight")) == [2, 3]


def test_a_theme_without_an_answer_takes_no_label():
    first, last = called("Costs", "Costs")
    assert with_taken_label([None, first, None, last]) == [3]


@pytest.mark.parametrize(
    ("labels", "distinct"),
    [
        ([], []),
        (["Costs", "Freight"], ["Costs", "Freight"]),
        (["Costs", "costs", "Costs"], ["Costs", "costs (2)", "Costs (3)"]),
        (["Costs", "Costs (2)", "Costs"], ["Costs", "Costs (2)", "Costs (3)"]),
    ],
    ids=str,
)
def test_the_larger_theme_keeps_its_label_and_the_others_get_a_number_that_is_free(labels, distinct):
    names, n_numbered = numbered(called(*labels))
    assert [name.label for name in names] == distinct
    assert n_numbered == sum(one != other for one, other in zip(labels, distinct, strict=True))
