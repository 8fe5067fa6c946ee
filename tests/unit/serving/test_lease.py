"""Who uses a model, and until when that is believed. On a real head: tests/integration/test_stopped_jobs.py."""

from ftm_ray.serving.lease import LeaseBook


def test_a_model_stays_as_long_as_one_run_says_that_it_lives():
    book = LeaseBook()
    assert book.renew("a", 300, now=0)
    assert book.renew("b", 300, now=100)
    assert not book.end_if_silent(now=399)  # a is silent, b is believed for a second
    assert book.renew("b", 300, now=399)
    assert not book.end_if_silent(now=698)
    assert book.end_if_silent(now=700)


def test_the_last_one_who_gives_it_back_ends_it():
    book = LeaseBook()
    book.renew("a", 300, now=0)
    book.renew("b", 300, now=0)
    assert not book.give_back("a")
    assert book.give_back("b")


def test_what_is_over_begins_no_more():
    """The model is on its way down: a run that comes now must start its own."""
    book = LeaseBook()
    book.renew("a", 300, now=0)
    assert book.end_if_silent(now=301)
    assert not book.renew("a", 300, now=302)
    assert book.end_if_silent(now=302)
