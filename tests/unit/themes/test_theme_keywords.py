"""How themes are worded: by what several of their firms say."""

from topic_sets import SETTINGS, firms, topic_set

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.finder import find_themes


def words_of_first_theme(blobs, keywords, settings=SETTINGS, who=None):
    topics = topic_set(blobs([12, 12]), who or firms(24, 6), keywords=[*keywords, *[("other", "else")] * 12])
    return find_themes(topics, settings).themes[0].keywords


def test_a_phrase_of_several_firms_stands_for_its_words(blobs):
    keywords = [
        ("supply chain", "ai") if i % 6 < 2 else ("supply", "chain", "ai data" if i % 6 == 2 else "ai")
        for i in range(12)
    ]
    words = words_of_first_theme(blobs, keywords)
    assert "supply chain" in words
    assert not {"supply", "chain"} & set(words)
    assert "ai" in words  # one firm of six says "ai data": that is no word of the theme


def test_a_word_of_one_firm_cannot_lead_a_theme(blobs):
    shared = ("freight", "port", "vessel", "carrier", "container")
    keywords = [("gizmo", *shared) if i % 6 == 0 else shared for i in range(12)]
    words = words_of_first_theme(blobs, keywords)
    assert "gizmo" not in words
    assert set(words) == set(shared)


def test_words_of_single_firms_fill_up_a_theme_that_shares_few(blobs):
    keywords = [("freight", f"own{i % 6}") for i in range(12)]
    words = words_of_first_theme(blobs, keywords)
    assert words[0] == "freight"
    assert len(words) == 3


def test_phrases_of_several_firms_have_their_words_in_common(blobs):
    keywords = [("free cash flow",) if i % 2 else ("cash flow",) for i in range(12)]
    words = words_of_first_theme(blobs, keywords)
    assert {"cash", "flow"} <= {word for keyword in words for word in keyword.split()}


def test_no_more_theme_keywords_than_asked_for(blobs):
    keywords = [tuple(f"word{i}" for i in range(10))] * 12
    assert len(words_of_first_theme(blobs, keywords, ThemeSettings(n_keywords=6, max_theme_ratio=1.0))) == 6


def test_words_that_all_themes_use_come_last(blobs):
    keywords = [("common", f"left{i}") for i in [1] * 12] + [("common", "right1")] * 12
    topics = topic_set(blobs([12, 12]), firms(24, 6), keywords=keywords)
    for theme, own in zip(find_themes(topics, SETTINGS).themes, ("left1", "right1"), strict=True):
        assert theme.keywords == (own, "common")


def test_topics_without_keywords_give_a_theme_without_keywords(blobs):
    keywords = [()] * 12 + [("word",)] * 12
    found = find_themes(topic_set(blobs([12, 12]), firms(24, 6), keywords=keywords), SETTINGS)
    assert [theme.keywords for theme in found.themes] == [(), ("word",)]
