"""Names of people and firms, read from the talk, from speakers and from the firm's own name."""

import pytest

from ftm_ray.text.names import firm_name_tokens, person_names


def test_names_are_read_from_the_talk():
    turns = [
        "Our first question comes from the line of Toshiya Hari with Goldman Sachs.",
        "Thanks, Matt. I'm Luca Maestri, Vice President.",
        "I'd like to turn the call over to Jane O'Malley. Good morning, Brian.",
        "Joining me today are Cecilia Jones, our CFO, and others.",
        "Yeah, Vijay, that is right. As Parag mentioned, it grew.",
    ]
    found = person_names(turns, [])
    assert found >= {"toshiya", "hari", "matt", "luca", "maestri", "jane", "o'malley", "brian", "cecilia", "jones"}
    assert found >= {"vijay", "parag"}
    assert not found & {"goldman", "sachs", "vice", "president", "call", "question", "line"}


def test_ordinary_words_are_no_names():
    turns = [
        "Thanks, everyone. Next, margins. Good morning, Team. Demand comes from Data Center.",
        "Yes, Margins, they improved, and margins matter. Pricing held up. Our pricing is strong. Thanks, Pricing.",
        "Azure grew. Azure is large. Azure, Azure, Azure and Azure again. Azure wins. Azure rose. Azure, we like. "
        "Azure sells. Azure runs. Azure is up. Azure is here. Thank you, Azure.",
    ]
    assert person_names(turns, []) == frozenset()


def test_speaker_names_lose_suffixes_titles_and_stand_ins():
    speakers = ["Amy E. Hood", "John Smith Jr., PhD", "Unidentified Analyst", "Operator", "<UNK>"]
    assert person_names(["Revenue grew."], speakers) == {"amy", "hood", "john", "smith"}


def test_a_speaker_named_like_a_common_word_does_not_take_the_word():
    assert "price" not in person_names(["The price rose. A low price helps, a high price hurts."], ["Tom Price"])


@pytest.mark.parametrize(
    ("name", "ticker", "expected"),
    [
        ("Apple Inc.", "AAPL", {"apple", "aapl"}),
        ("Duke Power Company", "DUK", {"duke", "duk"}),
        ("Bank of America Corporation", "BAC", {"bac"}),
        ("Cisco Systems, Inc.", "CSCO", {"cisco", "csco"}),
        ("Tyson Foods, Inc.", "TSN", {"tyson", "tsn"}),
        ("The Kraft Heinz Company", "KHC", {"kraft", "heinz", "khc"}),
        ("General Motors Company", "GM", set()),
        ("C3.ai, Inc.", "AI", {"c3"}),
        ("Power Integrations", "NOW", set()),
        (None, None, set()),
    ],
)
def test_firm_names_leave_ordinary_words(name, ticker, expected):
    tokens = firm_name_tokens(name, ticker)
    assert tokens >= expected
    assert not tokens & {"power", "bank", "systems", "foods", "motors", "america", "company", "ai", "now", "inc"}
