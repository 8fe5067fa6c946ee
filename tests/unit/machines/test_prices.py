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


def dollars(prices, name, *markets):
    """What a node costs on these markets; null where nobody knows."""
    known = [prices.of_node([name], market) for market in markets]
    return [price and price.of(market or "on-demand") for price, market in zip(known, markets, strict=True)]


def test_ones_own_prices_win_and_the_others_stay(file):
    prices = load_prices(file('[nodes]\n"g6.xlarge" = 0.4\ngpu_spot = 0.5\n[llm.m]\nprompt = 1\ncompletion = 2\n'))
    assert dollars(prices, "g6.xlarge", "spot", "on-demand", None) == [0.4, 0.4, 0.4]
    assert dollars(prices, "gpu_spot", "spot") == [0.5]
    assert prices.of_node(["g5.xlarge"], "on-demand") == default_prices().nodes["g5.xlarge"]
    assert prices.s3 == default_prices().s3
    assert prices.llm["m"].cached is None
    assert load_prices(None) == default_prices()


def test_a_market_without_a_price_has_none(file):
    prices = load_prices(file("[nodes.mine]\non_demand = 1.5\n"))
    assert dollars(prices, "mine", "on-demand", "spot", None) == [1.5, None, None]


def test_of_a_type_with_one_market_in_ones_file_the_other_keeps_its_default(file):
    default = default_prices().nodes["g6.xlarge"]
    prices = load_prices(file('[nodes."g6.xlarge"]\nspot = 0.29\nsource = "our bill"\n'))
    assert dollars(prices, "g6.xlarge", "spot", "on-demand", None) == [0.29, default.on_demand, None]
    sources = [prices.of_node(["g6.xlarge"], market).source for market in ("spot", "on-demand")]
    assert sources == ["our bill", default.source]  # a price of one's own is not said to be of the default's source
    same = load_prices(file(f'[nodes."g6.xlarge"]\nspot = {default.on_demand}\n'))
    assert dollars(same, "g6.xlarge", None) == [default.on_demand]


def test_ones_own_price_by_any_name_wins_over_a_default_by_another(file):
    prices = load_prices(file("[nodes.gpu_spot]\nspot = 0.25\n"))
    names = ["g6.xlarge", "gpu_spot"]
    assert prices.of_node(names, "spot").spot == 0.25
    assert prices.of_node(names, "on-demand") == default_prices().nodes["g6.xlarge"]


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
