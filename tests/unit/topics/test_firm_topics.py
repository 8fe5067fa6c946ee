"""The topics of one firm: found, numbered and worded by content, at every number of sentences."""

import numpy as np
import pytest
from invented import SENTENCES, SUBJECTS

from ftm_ray.config import TopicSettings
from ftm_ray.topics.firm_topics import MIN_SENTENCES, FirmTopics, fit_firm_topics, without_topics

SETTINGS = TopicSettings(backend="cpu")
LONG = "this sentence says something of its own about the business"


def fit(embeddings, cleaned, settings=SETTINGS, raw=None):
    return fit_firm_topics(raw or [LONG] * len(cleaned), cleaned, embeddings, settings)


def assert_consistent(found, n):
    """Labels and topics tell the same story."""
    assert len(found.labels) == n
    for topic_id, topic in enumerate(found.topics):
        assert list(topic.rows) == np.flatnonzero(found.labels == topic_id).tolist()
        assert set(topic.exemplar_rows) <= set(topic.rows)
        assert np.linalg.norm(topic.embedding) == pytest.approx(1.0, abs=1e-5)
    n_outliers = int((found.labels == -1).sum())
    assert sum(len(topic.rows) for topic in found.topics) + n_outliers == n
    assert found.labels.max(initial=-1) == len(found.topics) - 1


# --- real sentences ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(embeddings, cleaned_texts):
    return fit_firm_topics(SENTENCES, cleaned_texts, embeddings, SETTINGS)


def test_sentences_on_one_subject_come_together(found):
    subject_of_row = [subject for subject, texts in SUBJECTS.items() for _ in texts]
    assert len(found.topics) >= 3
    for topic in found.topics:
        subjects = [subject_of_row[row] for row in topic.rows]
        assert max(map(subjects.count, subjects)) >= 0.6 * len(subjects)


def test_labels_topics_and_outliers_account_for_every_sentence(found):
    assert_consistent(found, 60)


def test_topics_are_numbered_by_size(found):
    sizes = [len(topic.rows) for topic in found.topics]
    assert sizes == sorted(sizes, reverse=True)


def test_keywords_are_words_of_the_topic_and_no_two_share_a_word(found, cleaned_texts):
    for topic in found.topics:
        said = set(" ".join(cleaned_texts[row] for row in topic.rows).split())
        words = [word for keyword in topic.keywords for word in keyword.split()]
        assert 3 <= len(topic.keywords) <= SETTINGS.n_keywords
        assert set(words) <= said
        assert len(words) == len(set(words))


def test_the_same_firm_gives_the_same_topics_again(found, embeddings, cleaned_texts):
    again = fit_firm_topics(SENTENCES, cleaned_texts, embeddings, SETTINGS)
    assert again.labels.tobytes() == found.labels.tobytes()
    for one, other in zip(again.topics, found.topics, strict=True):
        assert (one.keywords, one.rows, one.exemplar_rows) == (other.keywords, other.rows, other.exemplar_rows)
        assert one.embedding.tobytes() == other.embedding.tobytes()


def test_another_firm_in_between_changes_nothing(found, embeddings, cleaned_texts, blobs):
    fit(blobs([30, 30]), ["alpha beta"] * 60)
    again = fit_firm_topics(SENTENCES, cleaned_texts, embeddings, SETTINGS)
    assert again.labels.tobytes() == found.labels.tobytes()
    assert [topic.keywords for topic in again.topics] == [topic.keywords for topic in found.topics]


# --- how many sentences --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "method"), [(5, "linkage"), (39, "linkage"), (40, "umap+hdbscan"), (41, "umap+hdbscan")])
def test_small_firms_take_their_own_path(blobs, n, method):
    groups = [n // 2, n - n // 2]
    found = fit(blobs(groups), ["alpha common"] * groups[0] + ["beta common"] * groups[1])
    assert found.method == method
    assert_consistent(found, n)


def test_both_paths_find_two_plain_groups(blobs):
    for settings in (SETTINGS, TopicSettings(small_firm_sentences=20)):  # too few for leaf to split them further
        found = fit(blobs([11, 9]), ["alpha"] * 11 + ["beta"] * 9, settings)
        assert [topic.rows for topic in found.topics] == [tuple(range(11)), tuple(range(11, 20))]
        assert [topic.keywords for topic in found.topics] == [("alpha",), ("beta",)]


@pytest.mark.parametrize("n", [4, 0])
def test_too_few_sentences_are_refused(blobs, n):
    with pytest.raises(ValueError, match=f"{n} sentences hold no topics, expected at least {MIN_SENTENCES}"):
        fit(blobs([5])[:n], ["alpha"] * n)


@pytest.mark.parametrize("n", [5, 8, 11, 12, 20])
def test_umap_may_be_asked_for_in_the_smallest_firms(blobs, n):
    found = fit(blobs([n]), ["alpha"] * n, TopicSettings(small_firm_sentences=4))
    assert found.method == "umap+hdbscan"
    assert_consistent(found, n)


def test_what_does_not_fit_together_is_refused(blobs):
    vectors = blobs([6])
    with pytest.raises(ValueError, match="got 6 sentences, 5 cleaned"):
        fit_firm_topics([LONG] * 6, ["alpha"] * 5, vectors, SETTINGS)
    with pytest.raises(ValueError, match=r"embeddings of shape \(96,\)"):
        fit_firm_topics([LONG] * 6, ["alpha"] * 6, vectors.ravel(), SETTINGS)


# --- odd firms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [10, 60])
def test_a_firm_that_repeats_one_sentence_does_not_fail(n):
    vectors = np.tile(np.array([[0.6, 0.8] + [0.0] * 14], np.float32), (n, 1))
    assert_consistent(fit(vectors, ["same thing"] * n), n)


def test_sentences_without_words_still_form_topics(blobs):
    found = fit(blobs([20, 10]), [""] * 30)
    assert [topic.keywords for topic in found.topics] == [(), ()]
    assert_consistent(found, 30)


def test_only_the_wordless_topic_lacks_keywords(blobs):
    found = fit(blobs([20, 10]), ["alpha beta"] * 20 + [""] * 10)
    assert found.topics[0].keywords == ("alpha beta",)
    assert found.topics[1].keywords == ()


def test_words_of_outliers_alone_are_nobodys_keywords(blobs):
    found = fit(blobs([10, 1, 1]), [""] * 10 + ["alpha", "beta"])
    assert found.labels[-2:].tolist() == [-1, -1]
    assert found.topics[0].keywords == ()


def test_sentences_that_have_nothing_in_common_give_no_topic():
    found = fit(np.eye(16, dtype=np.float32), ["alpha"] * 16)
    assert found.topics == ()
    assert set(found.labels.tolist()) == {-1}


def test_terms_with_signs_stay_one_word(blobs):
    texts = ["p&l covid-19"] * 10 + ["u.s. 5g"] * 10
    words = {word for topic in fit(blobs([10, 10]), texts).topics for key in topic.keywords for word in key.split()}
    assert words == {"p&l", "covid-19", "u.s.", "5g"}


def test_common_words_yield_to_those_of_the_topic_alone(blobs):
    texts = ["common alpha"] * 10 + ["common beta"] * 10 + ["common gamma"] * 10
    for topic, own in zip(fit(blobs([10, 10, 10]), texts).topics, ("alpha", "beta", "gamma"), strict=True):
        assert own in topic.keywords[0]


# --- exemplars -----------------------------------------------------------------------------------------------------


def test_exemplars_are_sentences_that_say_something(blobs):
    raw = ["Good point."] * 8 + [LONG, LONG + " too"]
    found = fit(blobs([10]), ["alpha"] * 10, raw=raw)
    assert set(found.topics[0].exemplar_rows) == {8, 9}


def test_a_topic_of_short_sentences_has_exemplars_too(blobs):
    found = fit(blobs([10]), ["alpha"] * 10, raw=["Good point."] * 10)
    assert len(found.topics[0].exemplar_rows) == 10


def test_the_number_of_exemplars_and_keywords_is_kept(blobs):
    settings = TopicSettings(n_exemplars=2, n_keywords=3)
    texts = [f"alpha beta gamma delta word{i % 3}" for i in range(10)]
    topic = fit(blobs([10]), texts, settings).topics[0]
    assert len(topic.exemplar_rows) == 2
    assert len(topic.keywords) <= 3


def test_a_sentence_with_the_topics_own_words_is_shown_before_a_pale_one():
    near = np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (6, 1))
    near[:, 1] = [0.0, 0.02, -0.02, 0.02, -0.02, 0.0]
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    texts = ["", "alpha beta", "alpha gamma", "beta gamma", "alpha beta gamma", ""]
    assert fit(near, texts).topics[0].exemplar_rows[0] == 4


# --- taking topics out ---------------------------------------------------------------------------------------------


@pytest.fixture
def three_topics(blobs):
    return fit(blobs([12, 9, 6, 1]), ["alpha"] * 12 + ["beta"] * 9 + ["gamma"] * 6 + ["delta"])


@pytest.mark.parametrize(
    ("unwanted", "left"),
    [([0, 0, 0], [0, 1, 2]), ([1, 0, 0], [1, 2]), ([0, 1, 0], [0, 2]), ([0, 0, 1], [0, 1]), ([1, 1, 1], [])],
)
def test_the_topics_that_stay_keep_order_and_sentences(three_topics, unwanted, left):
    kept = without_topics(three_topics, np.array(unwanted, dtype=bool))
    assert [topic.keywords for topic in kept.topics] == [three_topics.topics[old].keywords for old in left]
    assert_consistent(kept, 28)
    assert kept.labels.dtype == np.int64


def test_nothing_can_be_taken_from_a_firm_without_topics():
    nothing = FirmTopics(np.full(6, -1), (), "linkage")
    kept = without_topics(nothing, np.zeros(0, dtype=bool))
    assert kept.labels.tolist() == [-1] * 6
    assert kept.topics == ()
