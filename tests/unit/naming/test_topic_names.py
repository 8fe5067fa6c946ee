"""The topics of a batch of firms get their names, in their places, and nothing else changes."""

import asyncio

import pytest
from invented import done_row, firm, part_table, topic_vector
from llm_server import LlmServer, error, in_its_words, named, reset
from name_asking import (
    PROSE,
    assert_adds_up,
    namer_for,
    store,
)

from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient
from ftm_ray.naming.topic_names import TopicNamer
from ftm_ray.schemas.parts import FIRM_TOPICS
from ftm_ray.text.keyword_names import keyword_name

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.fixture
def part():
    """Two firms with two topics each; the first topic of the second firm has an LLM name already."""
    rows = []
    for firm_id in ("F1", "F2"):
        said = firm(firm_id, [["Freight rates went up.", "Vessels arrived later.", "Wages rose quickly.", "Thanks."]])
        rows.append(done_row(said, [0, 0, 1, None], [topic_vector(0), topic_vector(3)], own_names=[firm_id.lower()]))
    rows[1]["topics"][0] |= {"label": "Old name", "representation": "An old summary.", "summary_source": "llm"}
    return part_table(rows)


def rename(part, answer, lake=None, **settings):
    """The batch with names, and the server."""

    async def go(url):
        return await TopicNamer(namer_for(url, store(lake) if lake else None, **settings))(part)

    with LlmServer(answer) as server:
        batch = asyncio.run(go(server.url))
        assert_adds_up(batch.account, server)
    return batch, server


def echo_keywords(_, body):
    """A label that tells for which question the answer was."""
    return in_its_words(body)


def topics_of(table):
    return [topic for row in table.to_pylist() for topic in row["topics"]]


def test_every_topic_without_an_llm_name_is_asked_about_and_no_other(part):
    batch, server = rename(part, echo_keywords)
    assert batch.table.schema == FIRM_TOPICS
    assert len(server.requests) == batch.account.n_questions == 3
    assert [topic["summary_source"] for topic in topics_of(batch.table)] == ["llm"] * 4
    assert topics_of(batch.table)[2]["label"] == "Old name"
    assert batch.account.outcomes == {"named": 3}


def test_names_stand_with_their_topics_whatever_came_first():
    firms = [firm(f"F{i}", [[f"Freight{i:02d} went up.", f"Wages{i:02d} rose again."]]) for i in range(10)]
    part = part_table([done_row(one, [0, 1], [topic_vector(0), topic_vector(3)]) for one in firms])
    batch, _ = rename(part, echo_keywords, max_concurrency=7)
    for new, old in zip(topics_of(batch.table), topics_of(part), strict=True):
        assert ", ".join(old["keywords"]) in new["representation"]
    assert batch.table["firm_id"].to_pylist() == part["firm_id"].to_pylist()


def test_the_model_is_shown_keywords_and_sentences_as_spoken(part):
    batch, server = rename(part, echo_keywords)
    shown = 'Keywords: freight, rates\nSentences:\n- "Freight rates went up."\n- "Vessels arrived later."'
    assert shown in server.shown
    assert batch.prompt == shown


def test_naming_changes_names_and_nothing_else(part):
    batch, _ = rename(part, echo_keywords)
    keep = [name for name in FIRM_TOPICS.names if name != "topics"]
    assert batch.table.select(keep).equals(part.select(keep))
    names = keyword_name([], []).as_columns().keys() | {"outcome", "refused_answer"}
    for new, old in zip(topics_of(batch.table), topics_of(part), strict=True):
        assert {k: v for k, v in new.items() if k not in names} == {k: v for k, v in old.items() if k not in names}


def test_without_answers_the_keyword_names_stay_and_say_so(part):
    batch, _ = rename(part, lambda *_: PROSE)
    assert batch.table.drop(["topics"]).equals(part.drop(["topics"]))
    for new, old in zip(topics_of(batch.table), topics_of(part), strict=True):
        assert new == old | {"outcome": new["outcome"], "refused_answer": new["refused_answer"]}
    assert [topic["summary_source"] for topic in topics_of(batch.table)].count("keywords") == 3
    assert batch.account.outcomes == {"not_json": 3}


def no_name_for_wages(bad):
    """Good answers, but this one to questions on wages."""
    return lambda n, body: bad if "wages" in body["messages"][1]["content"] else echo_keywords(n, body)


def test_one_bad_answer_costs_one_name(part):
    batch, _ = rename(part, no_name_for_wages(PROSE))
    assert [topic["summary_source"] for topic in topics_of(batch.table)] == ["llm", "keywords", "llm", "keywords"]
    assert batch.account.outcomes == {"named": 1, "not_json": 2}


def test_a_firms_name_is_one_only_for_that_firm(part):
    batch, _ = rename(part, lambda *_: named("Costs of F1", "F1 pays more freight and wages."))
    assert [topic["names_firm"] for topic in topics_of(batch.table)] == [True, True, None, False]
    assert [topic["unsupported"] for topic in topics_of(batch.table)] == [["F1"], ["F1"], None, ["F1"]]
    assert batch.account.n_again == 3  # twice for the name, and once because nobody said it


def test_firms_without_topics_pass_through_unasked():
    part = part_table([done_row(firm("F1", [["Thanks."]]), [None], [])])
    batch, server = rename(part, echo_keywords)
    assert batch.table.equals(part)
    assert server.requests == []
    assert batch.prompt is None
    assert batch.account == LlmAccount()


def test_a_batch_that_is_named_again_asks_nothing_and_gives_the_same(part, lake):
    first, _ = rename(part, echo_keywords, lake)
    second, server = rename(part, lambda *_: error(500), lake)
    assert second.table.equals(first.table)
    assert server.requests == []
    assert second.account.n_remembered == 3


def test_what_one_batch_could_not_get_the_next_try_asks_for_alone(part, lake):
    first, _ = rename(part, no_name_for_wages(error(500)), lake)
    second, server = rename(first.table, echo_keywords, lake)
    assert len(server.requests) == 2
    assert {topic["summary_source"] for topic in topics_of(second.table)} == {"llm"}


def test_what_was_answered_before_something_broke_is_kept(part, lake, monkeypatch):
    """One question meets an error that nobody foresaw, after the answer to another came."""
    send, answered = LlmClient.ask, asyncio.Event()

    async def broken(client, prompt, account):
        if "wages" in prompt.material:
            await answered.wait()
            raise RuntimeError("nobody foresaw this")
        reply = await send(client, prompt, account)
        asyncio.get_running_loop().call_later(0.05, answered.set)  # when it is kept
        return reply

    monkeypatch.setattr(LlmClient, "ask", broken)
    with pytest.raises(RuntimeError):
        rename(part, echo_keywords, lake)
    monkeypatch.setattr(LlmClient, "ask", send)
    batch, server = rename(part, echo_keywords, lake)
    assert (batch.account.n_remembered, len(server.requests)) == (1, 2)


def test_a_restless_endpoint_costs_no_name_and_every_request_is_counted():
    """Each first try fails in another way; many batches at once, as in the map."""
    firms = [firm(f"F{i}", [[f"Freight{i:02d} went up."]]) for i in range(24)]
    part = part_table([done_row(one, [0], [topic_vector(0)]) for one in firms])
    ways = [error(503), error(429, retry_after_ms="20"), reset(), error(500)]
    seen = set()

    def answer(number, body):
        material = body["messages"][1]["content"]
        if material in seen:
            return echo_keywords(number, body)
        seen.add(material)
        return ways[number % 4]

    batch, server = rename(part, answer, max_attempts=4, max_concurrency=8)
    assert batch.account.outcomes == {"named": 24}
    assert (len(server.requests), batch.account.n_retries) == (48, 24)
