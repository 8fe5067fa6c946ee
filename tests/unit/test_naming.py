"""Naming against a real HTTP server: good answers replace keyword names, everything else leaves them and is counted."""

import asyncio
import logging
import socket

import pytest
from invented import done_row, firm, part_table, topic_vector
from llm_server import LlmServer, busy, completion, named

from ftm_ray.config import LlmSettings
from ftm_ray.naming import PROMPT_VERSION, LlmClient, TopicNamer, keyword_name
from ftm_ray.schemas import FIRM_TOPICS

GOOD = named("Freight costs", "Firms pay more for freight, which lowers margins.")
QUESTION = (["freight", "port"], ["Freight cost more.", "Ports were full."])


def client_for(url, **settings):
    return LlmClient(LlmSettings(**({"endpoint": url, "model": "tiny", "max_attempts": 1} | settings)), "sk-secret")


def ask(*replies, **settings):
    """The name that comes out when the server answers like this, and the server."""
    with LlmServer(lambda number, _: replies[number]) as server:
        name = asyncio.run(client_for(server.url, **settings).name(*QUESTION))
    assert len(server.requests) == len(replies)
    return name, server


# --- good answers --------------------------------------------------------------------------------------------------


def test_a_good_answer_becomes_the_name_with_its_origin():
    name, _ = ask(GOOD)
    assert name.as_columns() == {
        "label": "Freight costs",
        "representation": "Firms pay more for freight, which lowers margins.",
        "summary_source": "llm",
        "prompt_version": PROMPT_VERSION,
        "llm_model": "tiny",
        "finish_reason": "stop",
        "prompt_tokens": 11,
        "completion_tokens": 7,
    }


def test_blanks_around_an_answer_are_removed():
    name, _ = ask(named("  Freight costs\n", "\tFirms pay more. "))
    assert (name.label, name.representation) == ("Freight costs", "Firms pay more.")


def test_an_endpoint_that_counts_no_tokens_is_fine():
    status, body, headers = GOOD
    name, _ = ask((status, {key: value for key, value in body.items() if key != "usage"}, headers))
    assert name.label == "Freight costs"
    assert name.prompt_tokens is None
    assert name.completion_tokens is None


def test_the_request_forbids_thinking_and_asks_for_bounded_json():
    _, server = ask(GOOD, max_tokens=123)
    request = server.requests[0]
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("tiny", 0, 123)
    assert request["chat_template_kwargs"] == {"enable_thinking": False}
    schema = request["response_format"]["json_schema"]["schema"]
    assert set(schema["required"]) == set(schema["properties"]) == {"label", "summary"}
    assert server.keys == ["Bearer sk-secret"]


def test_long_sentences_are_cut_so_that_the_prompt_is_bounded():
    with LlmServer(lambda *_: GOOD) as server:
        asyncio.run(client_for(server.url).name(["freight"], ["x" * 5000] * 30))
    assert len(server.requests[0]["messages"][1]["content"]) < 30 * 310 + 100


# --- endpoints that are not well -----------------------------------------------------------------------------------


def test_a_strict_endpoint_is_asked_without_vllms_own_field_from_then_on():
    refusal = (400, {"error": {"message": "unknown field chat_template_kwargs"}}, {})

    def answer(_, body):
        return refusal if "chat_template_kwargs" in body else GOOD

    async def two_rounds(url):
        client = client_for(url)
        return await client.name_all([QUESTION] * 3), await client.name(*QUESTION)

    with LlmServer(answer) as server:
        first, second = asyncio.run(two_rounds(server.url))
    assert all(name is not None for name in (*first, second))
    assert "chat_template_kwargs" not in server.requests[-1]
    assert len(server.requests) == 3 + 3 + 1


def test_an_endpoint_that_refuses_the_request_in_any_form_is_asked_twice_and_no_more():
    refusal = (400, {"error": {"message": "no"}}, {})
    name, _ = ask(refusal, refusal, max_attempts=3)
    assert name is None


def test_a_busy_endpoint_is_asked_again():
    name, server = ask(busy(), busy(), GOOD, max_attempts=3)
    assert name.label == "Freight costs"
    assert server.requests[0] == server.requests[2]


def test_an_endpoint_that_stays_busy_is_given_up_after_so_many_tries():
    assert ask(busy(), busy(), max_attempts=2)[0] is None


def test_an_endpoint_that_is_not_there_gives_no_name():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    assert asyncio.run(client_for(url).name(*QUESTION)) is None


def test_an_endpoint_that_is_too_slow_gives_no_name():
    with LlmServer(lambda *_: GOOD, delay_s=0.5) as server:
        assert asyncio.run(client_for(server.url, timeout_s=0.1).name(*QUESTION)) is None


# --- answers that are not good -------------------------------------------------------------------------------------

WHOLE = '{"label": "Freight costs", "summary": "Firms pay more."}'
EMPTY = {"id": "1", "object": "chat.completion", "created": 1, "model": "tiny"}

BAD_ANSWERS = {
    "cut off": completion('{"label": "Freight co', "length"),
    "cut off after whole JSON": completion(WHOLE, "length"),
    "filtered": completion(WHOLE, "content_filter"),
    "prose": completion("The firms discuss freight."),
    "fenced": completion(f"```json\n{WHOLE}\n```"),
    "thoughts before": completion(f"<think>hm</think>{WHOLE}"),
    "end of thoughts before": completion(f"hm</think>\n{WHOLE}"),
    "thoughts inside": named("Freight", "<think>what could it be?"),
    "end of thoughts inside": named("Freight", "it is freight </think> Freight."),
    "empty": completion(""),
    "null": completion(None),
    "a list": completion("[]"),
    "a string": completion('"freight"'),
    "no summary": completion('{"label": "Freight"}'),
    "empty label": named("", "Firms pay more."),
    "blank summary": named("Freight", "  \n"),
    "wrong types": completion('{"label": ["Freight"], "summary": 3}'),
    "a page with status 200": (200, "<html>Bad gateway</html>", {}),
    "an error with status 200": (200, {"error": {"message": "model is loading"}}, {}),
    "no choices": (200, EMPTY | {"choices": []}, {}),
    "null choices": (200, EMPTY | {"choices": None}, {}),
    "an empty choice": (200, EMPTY | {"choices": [{}]}, {}),
    "a list for a completion": (200, [], {}),
    "broken protocol": (200, '{"choices": [', {"Content-Type": "application/json"}),
    "a client error": (422, {"error": {"message": "no"}}, {}),
    "a wrong key": (401, {"error": {"message": "no"}}, {}),
    "a wrong path or model": (404, "<html>Not found</html>", {}),
}


@pytest.fixture(scope="module")
def names_of_bad_answers():
    """What became of each bad answer, and how often each was asked for."""

    def kind(body):
        return body["messages"][1]["content"].splitlines()[0].removeprefix("Keywords: ")

    async def ask_all(url):
        client = client_for(url, max_attempts=3)
        return await asyncio.gather(*(client.name([key], ["x"]) for key in BAD_ANSWERS), return_exceptions=True)

    with LlmServer(lambda _, body: BAD_ANSWERS[kind(body)]) as server:
        names = asyncio.run(ask_all(server.url))
    asked = [kind(body) for body in server.requests]
    return {key: (name, asked.count(key)) for key, name in zip(BAD_ANSWERS, names, strict=True)}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_bad_answer_gives_no_name_and_is_not_asked_for_again(names_of_bad_answers, answer):
    assert names_of_bad_answers[answer] == (None, 1)


# --- many questions ------------------------------------------------------------------------------------------------


def echo(_, body):
    first = body["messages"][1]["content"].splitlines()[0]
    return named(first.removeprefix("Keywords: "), "A summary.")


def test_answers_stand_in_the_order_of_the_questions():
    questions = [([f"word{i}"], ["A sentence."]) for i in range(30)]
    with LlmServer(echo) as server:
        names = asyncio.run(client_for(server.url, max_concurrency=8).name_all(questions))
    assert [name.label for name in names] == [f"word{i}" for i in range(30)]


def test_one_bad_answer_costs_one_name():
    questions = [([f"word{i}"], ["A sentence."]) for i in range(5)]

    def answer(number, body):
        return completion("prose") if "word3" in body["messages"][1]["content"] else echo(number, body)

    with LlmServer(answer) as server:
        names = asyncio.run(client_for(server.url).name_all(questions))
    assert [name is None for name in names] == [False, False, False, True, False]


def test_no_more_questions_are_under_way_than_allowed():
    with LlmServer(echo, delay_s=0.03) as server:
        asyncio.run(client_for(server.url, max_concurrency=3).name_all([QUESTION] * 12))
    assert server.most_at_once == 3


def test_the_key_is_never_logged(caplog):
    caplog.set_level(logging.DEBUG)
    with LlmServer(lambda *_: (401, {"error": {"message": "bad key sk-secret"}}, {})) as server:
        asyncio.run(client_for(server.url).name(*QUESTION))
    assert server.keys == ["Bearer sk-secret"]
    assert "sk-secret" not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("ftm_ray"))


# --- names of keywords ---------------------------------------------------------------------------------------------


def test_a_keyword_name_says_what_it_is():
    name = keyword_name(["freight", "port", "vessel", "sail", "dock", "crane"], ["Freight cost more.", "Other."])
    assert name.label == "freight, port, vessel"
    assert name.representation == "freight, port, vessel, sail, dock: Freight cost more."
    assert name.summary_source == "keywords"
    assert (name.llm_model, name.prompt_version, name.prompt_tokens) == (None, None, None)


@pytest.mark.parametrize("keywords", [[], ["freight"]])
@pytest.mark.parametrize("sentences", [[], ["Freight " + "cost more and more " * 10]])
def test_no_name_is_ever_empty(keywords, sentences):
    name = keyword_name(keywords, sentences)
    assert name.label.strip()
    assert name.representation.strip()
    assert len(name.label) <= 60


# --- the actor's work ----------------------------------------------------------------------------------------------


@pytest.fixture
def part():
    """Two firms with two topics each; the first topic of the second firm has an LLM name already."""
    rows = []
    for firm_id in ("F1", "F2"):
        said = firm(firm_id, [["Freight rates went up.", "Vessels arrived later.", "Wages rose quickly.", "Thanks."]])
        rows.append(done_row(said, [0, 0, 1, None], [topic_vector(0), topic_vector(3)]))
    rows[1]["topics"][0] |= {"label": "Old name", "representation": "An old summary.", "summary_source": "llm"}
    return part_table(rows)


def rename(part, answer):
    async def go(url):
        namer = TopicNamer(LlmSettings(endpoint=url, model="tiny", max_attempts=1), "none")
        return await namer(part)

    with LlmServer(answer) as server:
        return asyncio.run(go(server.url)), server


def topics_of(table):
    return [topic for row in table.to_pylist() for topic in row["topics"]]


def test_every_topic_without_an_llm_name_is_asked_about_and_no_other(part):
    table, server = rename(part, echo)
    assert table.schema == FIRM_TOPICS
    assert len(server.requests) == 3
    assert [topic["summary_source"] for topic in topics_of(table)] == ["llm"] * 4
    assert topics_of(table)[2]["label"] == "Old name"
    assert topics_of(table)[0]["label"] == ", ".join(topics_of(part)[0]["keywords"])


def test_the_model_is_shown_keywords_and_sentences_as_spoken(part):
    _, server = rename(part, echo)
    shown = [request["messages"][1]["content"] for request in server.requests]
    assert "Keywords: freight, rates\nSentences:\n- Freight rates went up.\n- Vessels arrived later." in shown


def test_naming_changes_names_and_nothing_else(part):
    table, _ = rename(part, echo)
    keep = [name for name in FIRM_TOPICS.names if name != "topics"]
    assert table.select(keep).equals(part.select(keep))
    names = keyword_name([], []).as_columns().keys()
    for new, old in zip(topics_of(table), topics_of(part), strict=True):
        assert {k: v for k, v in new.items() if k not in names} == {k: v for k, v in old.items() if k not in names}


def test_without_answers_the_keyword_names_stay_and_say_so(part):
    table, _ = rename(part, lambda *_: completion("prose"))
    assert table.equals(part)
    assert [topic["summary_source"] for topic in topics_of(table)].count("keywords") == 3


def test_firms_without_topics_pass_through_unasked():
    part = part_table([done_row(firm("F1", [["Thanks."]]), [None], [])])
    table, server = rename(part, echo)
    assert table.equals(part)
    assert server.requests == []
