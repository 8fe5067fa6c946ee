"""Which words, figures and names of a text were said, and which were not."""

import pytest

from ftm_ray.naming.word_support import unsaid_figures, unsaid_names, word_share


def unsupported(text, sources):
    return [*unsaid_figures(text, sources), *unsaid_names(text, sources)]


SAID = (
    "freight",
    "We invested $3 million in Ohio, and freight cost us 12% more, or twenty-five basis points of margin.",
    "Artificial intelligence at the U.S. sites pays back in 2 years, as Ms. Hood said of Azure.",
)


def test_words_count_in_any_form():
    assert word_share("Investing and investments in freight.", SAID) == 1.0


def test_the_share_is_that_of_different_content_words():
    assert word_share("Freight and freight and the zebra.", SAID) == 0.5


@pytest.mark.parametrize(("text", "sources"), [("The and of.", SAID), ("Freight.", ()), ("12 15", SAID)])
def test_where_nothing_can_be_compared_there_is_no_share(text, sources):
    assert word_share(text, sources) is None


@pytest.mark.parametrize(
    "text",
    [
        "Freight costs 12% more.",
        "Freight costs 12 percent more.",
        "Freight takes 25 basis points.",
        "They put $3 million into Ohio.",
        "They put 3,000,000 into Ohio.",
        "It pays back in two years.",
        "It pays back in 2 years.",
        "AI pays back at US sites.",
        "Azure grows. Firms invest in 5G. Azure-based services follow.",
        "Rising Freight Costs",
        "Freight's cost rises.",
        "FREIGHT COSTS AND MARGINS",
        "Ohioan sites pay back.",
        "",
    ],
)
def test_what_was_said_in_other_words_is_supported(text):
    assert unsupported(text, SAID) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Freight costs 13% more.", ["13%"]),
        ("Freight costs 12 basis points more.", ["12 basis"]),
        ("They put $4 million into Ohio.", ["$4 million"]),
        ("They put $3 billion into Texas.", ["$3 billion", "Texas"]),
        ("It pays back by 2027.", ["2027"]),
        ("Sites in France and Ohio, then France again.", ["France"]),
        ("Nvidia pays more for freight. Nvidia again.", ["Nvidia"]),
        ("Freight costs 1.5 times as much and 99 more.", ["1.5", "99"]),
        ("QZX plants cost more.", ["QZX"]),
        ("Of sites, thirty-eight opened and forty more will, for two reasons.", ["thirty-eight", "forty"]),
    ],
)
def test_figures_and_names_that_nobody_said_are_told(text, found):
    assert unsupported(text, SAID) == found


def test_fifty_planted_wrong_numbers_are_told():
    """Each with another value than any that was said, with and without a unit."""
    shapes = ["costs rose {}%", "{} sites opened", "it took ${} million", "by {} basis points", "by the year {}"]
    planted = [shapes[n % 5].format(n + 31) for n in range(50)]
    assert (
        sum(any(str(n + 31) in one for one in unsupported(f"Freight: {text}.", SAID)) for n, text in enumerate(planted))
        == 50
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("COVID-19 still weighs on demand.", "COVID still weighs on demand."),
        ("GLP-1 medicines take share.", "GLP1s take share."),
        ("A Phase 3 trial reads out.", "A Phase III trial reads out."),
        ("Outsourced 3PL warehouses fill up.", "Third-party logistics warehouses fill up."),
        ("They sold 5 million units.", "They sold five million units."),
        ("They opened 100 stores.", "They opened a hundred stores."),
        ("They sold twenty million units.", "They sold 20 million units."),
        ("Margins gain 2%.", "Margins gain two percent."),
        ("Demand rises in H2 and FY25.", "Demand rises in the second half."),
    ],
)
def test_the_same_figure_in_another_form_was_said(text, said):
    assert unsupported(text, (said,)) == []


@pytest.mark.parametrize(
    ("text", "said", "found"),
    [
        ("They sold four billion units.", "They sold four million units.", ["four billion"]),
        ("Revenue grew by 2%.", "There are two reasons why revenue grew.", ["2%"]),
    ],
)
def test_another_power_or_a_count_is_another_figure(text, said, found):
    assert unsaid_figures(text, (said,)) == found
