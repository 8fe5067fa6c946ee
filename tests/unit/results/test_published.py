"""What a person asks for: the list of themes, and one theme down to its sentences."""

import pytest
from invented import QUARTER, SUBJECTS
from published import publish

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import list_themes, published_record, trace_theme


@pytest.fixture
def published(six_firms_run, config):
    return publish(six_firms_run, config)


def test_themes_are_listed_with_their_firms_by_name(published):
    found = list_themes(published.lake, QUARTER, top=20)
    assert [theme.theme_id for theme in found.themes] == ["2024Q1-0001", "2024Q1-0002"]
    freight = found.themes[0]
    assert (freight.n_firms, freight.n_topics) == (6, 6)
    assert {firm.firm_name for firm in freight.top_firms} == {f"F{number} Corporation" for number in range(6)}


def test_the_example_is_a_sentence_on_the_theme_with_its_speaker(published):
    freight = list_themes(published.lake, QUARTER, top=20).themes[0]
    assert freight.example.text in SUBJECTS["freight"]
    assert freight.example.speaker_name == "Ann Example"


def test_top_shortens_the_list_but_not_the_count(published):
    found = list_themes(published.lake, QUARTER, top=1)
    assert (len(found.themes), found.n_themes) == (1, 2)


def test_a_trace_reaches_every_sentence_of_every_topic(published):
    trace = trace_theme(published.lake, "2024Q1-0002", max_sentences=None)
    said = {sentence.text for topic in trace.topics for sentence in topic.sentences}
    assert said == set(SUBJECTS["hiring"])
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


def test_nothing_published_says_what_to_run(tmp_path):
    with pytest.raises(SourceError, match=f"ftm run {QUARTER} --root"):
        list_themes(Lake(str(tmp_path)), QUARTER, top=20)


def test_a_publication_that_was_stopped_is_not_taken_for_whole(published):
    published.lake.delete_file(published.lake.run_file(QUARTER, published.run_id))
    with pytest.raises(SourceError, match="not finished"):
        published_record(published.lake, QUARTER)
