"""One theme, down to its sentences."""

import pytest
from invented import SUBJECTS

from ftm_ray.errors import ConfigError
from ftm_ray.results.theme_trace import trace_theme


def test_a_trace_reaches_every_sentence_of_every_topic(published):
    trace = trace_theme(published.lake, "2024Q1-0002", max_sentences=None)
    spoken = {sentence.text for topic in trace.topics for sentence in topic.sentences}
    assert spoken == set(SUBJECTS["hiring"])
    assert all(len(topic.sentences) == topic.n_sentences for topic in trace.topics)
    assert {topic.firm.permno for topic in trace.topics} == {10001, 10002, 10003, 10004, None}


def test_a_trace_shows_the_nearest_topics_and_most_telling_sentences_first(published):
    trace = trace_theme(published.lake, "2024Q1-0001", max_sentences=1)
    similarities = [topic.similarity for topic in trace.topics]
    assert similarities == sorted(similarities, reverse=True)
    assert all(len(topic.sentences) == 1 < topic.n_sentences for topic in trace.topics)
    first = next(topic for topic in trace.topics if topic.firm.firm_id == "F0")
    assert first.sentences[0].text == SUBJECTS["freight"][0]  # the first exemplar


def test_a_theme_that_is_not_there_is_answered_with_those_that_are(published):
    with pytest.raises(ConfigError, match="it has 2024Q1-0001 to 2024Q1-0002"):
        trace_theme(published.lake, "2024Q1-0009", max_sentences=None)
    with pytest.raises(ConfigError, match="no theme id"):
        trace_theme(published.lake, "freight", max_sentences=None)
