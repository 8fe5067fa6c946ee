"""Prices: the defaults say where they come from, the user's win, and nothing is guessed."""

import pytest

from ftm_ray.errors import ConfigError
from ftm_ray.machines.prices import default_prices, load_prices


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


def test_every_default_has_its_source_and_day():
    prices = default_prices()
    for one in (*prices.nodes.values(), prices.s3):
        assert one.source and one.seen
    assert not prices.llm


def test_ones_own_prices_win_and_the_others_stay(file):
    prices = load_prices(file('[nodes]\n"g6.xlarge" = 0.4\ngpu_spot = 0.5\n[llm.m]\nprompt = 1\ncompletion = 2\n'))
    assert [prices.nodes["g6.xlarge"].of(market) for market in ("spot", "on-demand", None)] == [0.4, 0.4, 0.4]
    assert prices.nodes["gpu_spot"].of("spot") == 0.5
    assert prices.nodes["g5.xlarge"] == default_prices().nodes["g5.xlarge"]
    assert prices.s3 == default_prices().s3
    assert prices.llm["m"].cached is None
    assert load_prices(None) == default_prices()


def test_a_market_without_a_price_has_none(file):
    price = load_prices(file("[nodes.mine]\non_demand = 1.5\n")).nodes["mine"]
    assert (price.of("on-demand"), price.of("spot"), price.of(None)) == (1.5, None, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[nodes]\n"g6.xlarge" = -1\n', "greater than or equal to 0"),
        ("[nodes.a]\nspott = 1\n", "nodes.a.spott"),
        ("nodes = 3\n", "nodes"),
        ("[nodes.a]\nspot = nan\n", "finite"),
        ("[nodes", "not valid TOML"),
        ("[s3]\nwrites = 1\n", "s3.reads"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_place(file, text, words):
    with pytest.raises(ConfigError, match=words) as error:
        load_prices(file(text))
    assert "mine.toml" in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        load_prices(tmp_path / "none.toml")
