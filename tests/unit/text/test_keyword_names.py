"""Where no LLM gives a name, keywords and a sentence make one that says so and is never empty."""

import pytest

from ftm_ray.text.keyword_names import keyword_name


def test_a_keyword_name_says_what_it_is():
    name = keyword_name(["freight", "port", "vessel", "sail", "dock", "crane"], ["Freight cost more.", "Other."])
    assert name.label == "freight, port, vessel"
    assert name.representation == "freight, port, vessel, sail, dock: Freight cost more."
    assert name.summary_source == "keywords"
    assert (name.llm_model, name.prompt_version, name.prompt_tokens, name.names_firm) == (None,) * 4


@pytest.mark.parametrize("keywords", [[], ["freight"]])
@pytest.mark.parametrize("sentences", [[], ["Freight " + "cost more and more " * 10]])
def test_no_name_is_ever_empty(keywords, sentences):
    name = keyword_name(keywords, sentences)
    assert name.label.strip()
    assert name.representation.strip()
    assert len(name.label) <= 60
