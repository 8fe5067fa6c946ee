import pytest

from ftm_ray.errors import ConfigError
from ftm_ray.sentiment.labels import SentimentClasses


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("positive", "negative", "neutral"), (0, 1, 2)),  # ProsusAI/finbert
        (("Neutral", "Positive", "Negative"), (1, 2, 0)),  # finbert-tone
        (("Bearish", "Neutral", "Bullish"), (2, 0, 1)),
        (("NEGATIVE", "POSITIVE"), (1, 0, None)),
    ],
)
def test_classes_are_told_by_their_labels_and_not_by_their_order(labels, classes):
    found = SentimentClasses.of(dict(enumerate(labels)), "a model")
    assert (found.positive, found.negative, found.neutral) == classes


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        (("LABEL_0", "LABEL_1", "LABEL_2"), "cannot be guessed; name them in id2label"),
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), "stars rate products"),
        (("positive", "negative", "neutral", "mixed"), "give another model"),
        (("positive", "pos", "negative"), "give another model"),
        (("joy", "anger"), "give another model"),
    ],
)
def test_labels_that_do_not_tell_are_refused(labels, advice):
    with pytest.raises(ConfigError, match=f"got {labels[0]}, {labels[1]}.*{advice}"):
        SentimentClasses.of(dict(enumerate(labels)), "a model")
