"""Two LLMs on the same topics: real local endpoints, the bundled encoder, and files that a person can open."""

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from command import ftm, one_error_line
from invented import QUARTER, done_row, firm, part_table, run_files, topic_vector, write_store
from llm_server import LlmServer, completion, named

from ftm_ray.config import LlmSettings
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.naming.compare import Side, compare_llms
from ftm_ray.schemas.answers import LLM_COMPARISON

SAID = ["Freight <b>rates</b> went up.", "Vessels arrived later.", "Wages rose quickly.", "Hiring was slow."]


def write_map(lake, config, dim=384, n_firms=4):
    """A finished map of firms with two topics each."""
    firms = [firm(f"F{number}", [SAID]) for number in range(n_firms)]
    run = run_files(lake, write_store(lake, [firms]), config)
    rows = [done_row(one, [0, 0, 1, 1], [topic_vector(0, dim=dim), topic_vector(3, dim=dim)]) for one in firms]
    lake.write_table(run.part_path(run.manifest.batches[0]), part_table(rows))


def keywords_of(body):
    return body["messages"][1]["content"].splitlines()[0].removeprefix("Keywords: ")


def near(_, body):
    """An answer in the words of the topic."""
    return named("Costs", f"What is said of {keywords_of(body)} is that demand grew.")


def far(_, body):
    """An answer about something else, and none at all for wages."""
    return (
        completion("prose")
        if "wages" in keywords_of(body)
        else named("Weather <i>", "It rained on the freight in the mountains.")
    )


@pytest.fixture(scope="module")
def compared(tmp_path_factory, config):
    """Both sides on all eight topics: the comparison, its rows, and its page."""
    from ftm_ray.lake.storage import Lake

    lake = Lake(str(tmp_path_factory.mktemp("compare")))
    write_map(lake, config)
    progress = []
    with LlmServer(near) as a, LlmServer(far) as b:
        sides = tuple(Side(LlmSettings(endpoint=s.url, model=m), "none") for s, m in ((a, "one"), (b, "two")))
        comparison = compare_llms(lake, QUARTER, sides, 50, lambda side, n: progress.append((side, n)))
        asked = [len(a.requests), len(b.requests)]
    table = lake.read_table(comparison.table)
    page = Path(lake.full_path(comparison.page)).read_text(encoding="utf-8")
    return comparison, table, page, progress, asked


def test_both_are_asked_about_the_same_topics(compared):
    comparison, table, _, progress, asked = compared
    assert table.schema == LLM_COMPARISON
    assert comparison.n_topics == table.num_rows == 8
    assert asked == [8, 8 + 4]  # prose is asked for once more
    assert [n for side, n in progress if side == "a"] == list(range(1, 9))


def test_the_nearer_summary_is_the_one_that_speaks_of_the_topic(compared):
    comparison, table, _, _, _ = compared
    rows = table.to_pylist()
    answered = [row for row in rows if row["b_label"] is not None]
    assert len(answered) == 4
    assert all((row["nearer"] == "a") == (row["a_to_sentences"] > row["b_to_sentences"]) for row in answered)
    assert all(row["nearer"] is None and row["summaries_cosine"] is None for row in rows if row["b_label"] is None)
    assert comparison.a.n_nearer + comparison.b.n_nearer == len(answered)


def test_every_outcome_is_counted(compared):
    comparison, table, _, _, _ = compared
    assert comparison.a.outcomes == {"named": 8}
    assert Counter(comparison.b.outcomes) == {"named": 4, "not_json": 4}
    assert comparison.b.prompt_tokens == 11 * 12


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.text = Counter(), ""

    def handle_starttag(self, tag, attrs):
        self.seen[tag] += 1

    def handle_data(self, data):
        self.text += data


def test_the_page_shows_all_texts_and_none_of_them_as_markup(compared):
    _, _, page, _, _ = compared
    tags = Tags()
    tags.feed(page)
    assert tags.seen["h2"] == 8
    assert "Freight <b>rates</b> went up." in tags.text
    assert tags.text.count("Weather <i>") == 4
    assert tags.seen["b"] == 12  # our own: the labels of the answers
    assert tags.text.count("no answer: not_json") == 4
    assert not tags.seen["script"] + tags.seen["link"] + tags.seen["img"]


def test_a_sample_is_the_same_each_time_and_no_larger_than_asked(lake, config):
    write_map(lake, config)
    seen = []
    for _ in range(2):
        with LlmServer(near) as a, LlmServer(near) as b:
            sides = tuple(Side(LlmSettings(endpoint=server.url, model="m"), "none") for server in (a, b))
            comparison = compare_llms(lake, QUARTER, sides, 3, lambda *_: None)
        seen.append([(r["firm_id"], r["topic_id"]) for r in lake.read_table(comparison.table).to_pylist()])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 3


def test_a_map_of_another_encoder_cannot_be_compared(lake, config):
    write_map(lake, config, dim=8)
    with LlmServer(near) as a, pytest.raises(ConfigError, match="length 8"):
        side = Side(LlmSettings(endpoint=a.url), "none")
        compare_llms(lake, QUARTER, (side, side), 2, lambda *_: None)


def test_a_quarter_without_topics_says_what_to_run_first(lake):
    with pytest.raises(SourceError, match="--llm none"):
        compare_llms(lake, QUARTER, (Side(LlmSettings(), ""), Side(LlmSettings(), "")), 2, lambda *_: None)


# --- the command ---------------------------------------------------------------------------------------------------


def compare(lake, *arguments):
    return ftm("llm", "compare", QUARTER, "--root", lake.root, *arguments)


def test_a_key_that_is_refused_is_named(six_firms_run):
    with LlmServer(near) as a, LlmServer(lambda *_: (401, {"error": {"message": "no"}}, {})) as b:
        result = compare(six_firms_run.lake, "--a", a.url, "--b", b.url, "--b-key-variable", "OTHER_KEY")
    assert result.exit_code == 2
    assert "refuses the key in OTHER_KEY" in one_error_line(result)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("none", "http://127.0.0.1:9/v1", "--a none"),
        ("http://127.0.0.1:9/v1", "gpt", "--b gpt"),
        ("serve", "serve", "cannot both be serve"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(lake, a, b, message):
    result = compare(lake, "--a", a, "--b", b)
    assert result.exit_code == 2
    assert message in one_error_line(result)


def test_an_endpoint_that_is_not_there_ends_with_exit_4(six_firms_run):
    result = compare(six_firms_run.lake, "--a", "http://127.0.0.1:9/v1", "--b", "http://127.0.0.1:9/v1")
    assert result.exit_code == 4
    assert "does not answer (unreachable)" in one_error_line(result)


def test_the_command_shows_both_sides_and_where_the_page_lies(lake, config):
    write_map(lake, config, n_firms=1)
    with LlmServer(near) as a, LlmServer(far) as b:
        result = compare(lake, "--a", a.url, "--b", b.url, "--a-model", "small", "--b-model", "large")
    assert result.exit_code == 0, result.stderr
    assert "a: small" in result.stdout
    assert "not_json 1" in result.stdout
    assert "page.html" in result.stdout


def test_the_json_holds_both_sides(lake, config):
    write_map(lake, config, n_firms=1)
    with LlmServer(near) as a, LlmServer(far) as b:
        result = compare(lake, "--a", a.url, "--b", b.url, "--json", "--sample", "2")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["a"]["outcomes"] == {"named": 2}
