"""Naming against a real HTTP server: good answers replace keyword names, everything else leaves them and is counted."""

import asyncio
import json
from pathlib import Path

import pytest
from invented import done_row, firm, part_table, topic_vector
from llm_server import LlmServer, Reply, completion, error, hang, named, reset

from ftm_ray import answers, llm, llm_line, naming
from ftm_ray.answers import AnswerStore
from ftm_ray.config import LlmSettings
from ftm_ray.guards import Outcome, OwnNames
from ftm_ray.llm import LlmAccount
from ftm_ray.llm_line import NoAnswerError
from ftm_ray.naming import Name, Namer, ThemeToName, TopicNamer, keyword_name, name_themes
from ftm_ray.prompts import PROMPT_VERSION, topic_prompt
from ftm_ray.schemas import FIRM_TOPICS
from ftm_ray.tokens import EstimatedTokens

LONG_SENTENCE = "Ocean freight rates from Asia rose again and added to our shipping cost."
PROMPT = topic_prompt(["freight", "port"], [LONG_SENTENCE, "Ports were full."], EstimatedTokens(), 900)
OWN_NAMES = OwnNames(frozenset({"acme", "smith"}))

GOOD = named("Freight costs", "Firms pay more for freight, which lowers margins.")
WITH_NAME = named("Freight costs", "Acme pays more for freight.")
LONG = named("one two three four five six seven eight nine ten", "Firms pay more.")
PROSE = completion("The firms discuss freight.")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(llm_line, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 0.04)


def namer_for(url, store=None, **settings):
    given = {"endpoint": url, "model": "tiny", "max_attempts": 1, "timeout_s": 5.0} | settings
    return Namer(LlmSettings(**given), "sk-secret", store)


def assert_adds_up(account, server):
    """Each question has one outcome, and each request is accounted for."""
    server.wait_for(account.n_requests)
    assert sum(account.outcomes.values()) == account.n_questions
    assert account.n_requests == len(server.requests)
    n_first = account.n_questions - account.n_remembered - account.outcomes.get("given_up", 0)
    assert account.n_requests - account.n_retries - account.n_again in (n_first, n_first + 1)


def ask(*replies, store=None, prompt=PROMPT, **settings):
    """The name that comes out when the server answers like this, the account, and the server."""
    account = LlmAccount()

    async def go(url):
        namer = namer_for(url, store, **settings)
        name = await namer.name(prompt, OWN_NAMES, account)
        await namer.write_answers()
        return name

    with LlmServer(lambda number, _: replies[number]) as server:
        name = asyncio.run(go(server.url))
        assert_adds_up(account, server)
    assert account.n_questions == 1
    return name, account, server


# --- one question --------------------------------------------------------------------------------------------------


def test_a_good_answer_becomes_the_name_with_its_origin():
    name, account, _ = ask(GOOD)
    assert name.as_columns() == {
        "label": "Freight costs",
        "representation": "Firms pay more for freight, which lowers margins.",
        "summary_source": "llm",
        "prompt_version": PROMPT_VERSION,
        "llm_model": "tiny",
        "finish_reason": "stop",
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "names_firm": False,
    }
    assert account.outcomes == {"named": 1}


def test_an_endpoint_that_counts_no_tokens_gives_names_too():
    name, _, _ = ask(GOOD._replace(body={key: value for key, value in GOOD.body.items() if key != "usage"}))
    assert name.label == "Freight costs"
    assert (name.prompt_tokens, name.completion_tokens) == (None, None)


#: How to come to each outcome: what the server sends, how many requests that takes, and settings.
WAYS = {
    Outcome.NAMED: (GOOD, 1, {}),
    Outcome.CUT_OFF: (completion('{"label": "Frei', "length"), 2, {}),
    Outcome.NOT_STOPPED: (completion("{}", "content_filter"), 1, {}),
    Outcome.THOUGHTS: (completion("<think>hm</think>{}"), 2, {}),
    Outcome.EMPTY: (completion(""), 2, {}),
    Outcome.NOT_JSON: (PROSE, 2, {}),
    Outcome.ECHO: (named("Freight costs", LONG_SENTENCE), 2, {}),
    Outcome.MALFORMED: (Reply(200, "<html>Hello</html>", {}), 1, {}),
    Outcome.REJECTED: (error(422), 2, {}),  # once more without what strict endpoints refuse
    Outcome.TIMED_OUT: (hang(), 2, {"timeout_s": 0.5, "max_attempts": 2}),
    Outcome.UNREACHABLE: (reset(), 2, {"max_attempts": 2}),
    Outcome.BUSY: (error(429), 2, {"max_attempts": 2}),
    Outcome.SERVER_ERROR: (error(500), 2, {"max_attempts": 2}),
    Outcome.GIVEN_UP: (error(503), 1, {"max_attempts": 4, "patience_s": 0.0}),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_reached_and_counted_once(outcome, monkeypatch, lake):
    reply, n_requests, settings = WAYS[outcome]
    if outcome is Outcome.GIVEN_UP:
        monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    name, account, server = ask(*[reply] * n_requests, store=AnswerStore(lake, "2024Q1"), **settings)
    assert account.outcomes == {outcome.value: 1}
    assert len(server.requests) == n_requests
    assert (name is None) == (outcome is not Outcome.NAMED)


# --- asking once more ----------------------------------------------------------------------------------------------


def reminder_in(server):
    """What was added to the second question."""
    first, second = server.shown
    assert second.startswith(first + "\n\n")
    assert server.requests[0]["messages"][0] == server.requests[1]["messages"][0]
    return second.removeprefix(first + "\n\n")


MENDED = {
    "cut off": (completion('{"label": "Frei', "length"), "fewer words"),
    "thoughts": (completion("<think>hm</think>{}"), "without any thoughts"),
    "empty": (completion(None), "Fill both fields"),
    "an empty field": (named("", "Firms pay more."), "Fill both fields"),
    "prose": (PROSE, "that object alone"),
    "echo": (named("Freight costs", LONG_SENTENCE), "words of your own"),
    "a name": (WITH_NAME, "named Acme. Answer again without any name"),
    "a long label": (LONG, "more than 8 words"),
}


@pytest.mark.parametrize(("first", "reminder"), MENDED.values(), ids=MENDED)
def test_an_answer_that_can_be_mended_is_asked_for_once_more(first, reminder):
    name, account, server = ask(first, GOOD)
    assert (name.label, name.names_firm) == ("Freight costs", False)
    assert reminder in reminder_in(server)
    assert account.outcomes == {"named": 1}
    assert (account.n_requests, account.n_again, account.n_retries) == (2, 1, 0)
    assert (account.prompt_tokens, account.completion_tokens) == (22, 14)  # both were paid for
    assert (name.prompt_tokens, name.completion_tokens) == (11, 7)  # those of the answer that counts


@pytest.mark.parametrize("second", [WITH_NAME, PROSE, completion("", "length"), error(500), error(422), reset()])
def test_an_answer_with_a_name_is_kept_and_flagged_if_the_second_is_no_better(second):
    name, account, _ = ask(WITH_NAME, second)
    assert (name.representation, name.summary_source) == ("Acme pays more for freight.", "llm")
    assert name.names_firm
    assert account.outcomes == {"named": 1}
    assert account.n_again == 1


@pytest.mark.parametrize("second", [LONG, PROSE, error(500)])
def test_a_label_that_stays_too_long_is_cut_after_eight_words(second):
    name, account, _ = ask(LONG, second)
    assert name.label == "one two three four five six seven eight"
    assert account.outcomes == {"named": 1}


@pytest.mark.parametrize(("first", "second"), [(LONG, WITH_NAME), (WITH_NAME, LONG)])
def test_a_long_label_is_better_than_a_name(first, second):
    name, _, _ = ask(first, second)
    assert name.label == "one two three four five six seven eight"
    assert not name.names_firm


def test_of_two_answers_with_the_same_fault_the_second_counts():
    name, _, _ = ask(WITH_NAME, named("Shipping", "Smith speaks of shipping."))
    assert name.label == "Shipping"


@pytest.mark.parametrize(
    ("second", "outcome"),
    [(PROSE, "not_json"), (completion("", "length"), "cut_off"), (completion(""), "empty"), (error(500), "not_json")],
)
def test_two_bad_answers_are_one_refusal(second, outcome):
    name, account, _ = ask(PROSE, second)
    assert name is None
    assert account.outcomes == {outcome: 1}
    assert account.n_again == 1


def test_the_second_question_may_be_tried_again_too():
    name, account, _ = ask(PROSE, error(503), GOOD, max_attempts=2)
    assert name.label == "Freight costs"
    assert (account.n_requests, account.n_again, account.n_retries) == (3, 1, 1)


def test_a_second_question_that_was_never_sent_is_not_counted(monkeypatch):
    """Meanwhile other questions found the endpoint down for too long."""
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    account = LlmAccount()

    async def go(url):
        namer = namer_for(url, patience_s=0.0)
        judge = naming.judge_answer

        def judge_and_break(*args):
            namer._client._line.failed(NoAnswerError(Outcome.SERVER_ERROR))
            return judge(*args)

        monkeypatch.setattr(naming, "judge_answer", judge_and_break)
        return await namer.name(PROMPT, OWN_NAMES, account)

    with LlmServer(lambda *_: WITH_NAME) as server:
        assert asyncio.run(go(server.url)).names_firm
        assert_adds_up(account, server)
    assert (account.n_requests, account.n_again, account.outcomes) == (1, 0, {"named": 1})


# --- answers are kept ----------------------------------------------------------------------------------------------


def store(lake):
    return AnswerStore(lake, "2024Q1")


def test_a_second_namer_over_the_same_lake_asks_nothing(lake):
    first, _, _ = ask(GOOD, store=store(lake))
    second, account, server = ask(store=store(lake))
    assert second == first
    assert server.requests == []
    assert (account.n_questions, account.n_remembered, account.n_requests) == (1, 1, 0)
    assert account.outcomes == {"named": 1}
    assert account.prompt_tokens == 0


@pytest.mark.parametrize(
    ("first", "label", "names_firm"),
    [
        (PROSE, "Freight costs", False),
        (LONG, "Freight costs", False),
    ],
)
def test_a_mended_answer_is_remembered_for_the_first_question(lake, first, label, names_firm):
    ask(first, GOOD, store=store(lake))
    name, account, _ = ask(store=store(lake))
    assert (name.label, name.names_firm, account.n_remembered) == (label, names_firm, 1)


def test_an_answer_with_a_name_is_remembered_with_its_flag(lake):
    first, _, _ = ask(WITH_NAME, WITH_NAME, store=store(lake))
    second, account, _ = ask(store=store(lake))
    assert second == first
    assert second.names_firm
    assert account.n_again == 0


@pytest.mark.parametrize("change", [{"model": "other"}, {"max_tokens": 100}], ids=str)
def test_another_model_or_limit_asks_again(lake, change):
    ask(GOOD, store=store(lake))
    name, account, _ = ask(named("Other", "Words."), store=store(lake), **change)
    assert name.label == "Other"
    assert account.n_remembered == 0
    assert ask(store=store(lake))[0].label == "Freight costs"  # and the first is still known


def test_other_weights_behind_the_same_name_are_asked_again(lake):
    ask(GOOD, store=AnswerStore(lake, "2024Q1", ["fp8"]))
    name, account, _ = ask(named("Other", "Words."), store=AnswerStore(lake, "2024Q1", ["none"]))
    assert (name.label, account.n_remembered) == ("Other", 0)
    assert ask(store=AnswerStore(lake, "2024Q1", ["fp8"]))[1].n_remembered == 1


def test_another_prompt_or_prompt_version_asks_again(lake, monkeypatch):
    ask(GOOD, store=store(lake))
    other = topic_prompt(["freight"], ["Other sentence."], EstimatedTokens(), 900)
    assert ask(GOOD, store=store(lake), prompt=other)[1].n_requests == 1
    monkeypatch.setattr(answers, "PROMPT_VERSION", "another")
    assert ask(GOOD, store=store(lake))[1].n_requests == 1


@pytest.mark.parametrize("reply", [PROSE, completion("{}", "content_filter"), error(422), error(500), reset()])
def test_refused_and_missing_answers_are_not_kept(lake, reply):
    assert ask(reply, reply, store=store(lake))[0] is None
    name, account, _ = ask(GOOD, store=store(lake))
    assert name.label == "Freight costs"
    assert (account.n_remembered, account.n_requests) == (0, 1)


def test_without_a_store_every_question_is_asked():
    assert [ask(GOOD)[1].n_requests for _ in range(2)] == [1, 1]


def test_the_key_is_in_no_file(lake):
    ask(GOOD, store=store(lake))
    files = [path for path in Path(lake.root).rglob("*") if path.is_file()]
    assert files
    assert all(b"sk-secret" not in path.read_bytes() for path in files)


# --- names of keywords ---------------------------------------------------------------------------------------------


def test_a_keyword_name_says_what_it_is():
    name = keyword_name(["freight", "port", "vessel", "sail", "dock", "crane"], ["Freight cost more.", "Other."])
    assert name.label == "freight, port, vessel"
    assert name.representation == "freight, port, vessel, sail, dock: Freight cost more."
    assert name.summary_source == "keywords"
    assert (name.llm_model, name.prompt_version, name.prompt_tokens, name.names_firm) == (None,) * 4


@pytest.mark.parametrize("keywords", [[], ["freight"]])
@pytest.mark.parametrize("sentences", [[], ["Freight " + "cost more and more " * 10]])
def test_no_name_is_ever_empty(keywords, sentences):
    name = keyword_name(keywords, sentences)
    assert name.label.strip()
    assert name.representation.strip()
    assert len(name.label) <= 60


# --- the topics of a batch -----------------------------------------------------------------------------------------


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
    first = body["messages"][1]["content"].splitlines()[0]
    return named(first.removeprefix("Keywords: "), "A summary.")


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
    assert [topic["label"] for topic in topics_of(batch.table)] == [
        ", ".join(topic["keywords"]) for topic in topics_of(part)
    ]
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
    names = keyword_name([], []).as_columns().keys()
    for new, old in zip(topics_of(batch.table), topics_of(part), strict=True):
        assert {k: v for k, v in new.items() if k not in names} == {k: v for k, v in old.items() if k not in names}


def test_without_answers_the_keyword_names_stay_and_say_so(part):
    batch, _ = rename(part, lambda *_: PROSE)
    assert batch.table.equals(part)
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
    batch, _ = rename(part, lambda *_: named("Costs of F1", "F1 pays more."))
    assert [topic["names_firm"] for topic in topics_of(batch.table)] == [True, True, None, False]
    assert batch.account.n_again == 2


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
    send, answered = llm.LlmClient.ask, asyncio.Event()

    async def broken(client, prompt, account):
        if "wages" in prompt.material:
            await answered.wait()
            raise RuntimeError("nobody foresaw this")
        reply = await send(client, prompt, account)
        asyncio.get_running_loop().call_later(0.05, answered.set)  # when it is kept
        return reply

    monkeypatch.setattr(llm.LlmClient, "ask", broken)
    with pytest.raises(RuntimeError):
        rename(part, echo_keywords, lake)
    monkeypatch.setattr(llm.LlmClient, "ask", send)
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


# --- themes --------------------------------------------------------------------------------------------------------


def themes(n, **other):
    """Themes of one keyword each; the next two are their neighbours."""
    return [
        ThemeToName(
            **{
                "keywords": (f"word{i}",),
                "summaries": (f"Firms speak of word{i}.",),
                "neighbours": tuple((i + step) % n for step in (1, 2) if n > step),
                "own_names": OWN_NAMES,
                "fallback": keyword_name([f"word{i}"], ["A sentence."]),
            }
            | other
        )
        for i in range(n)
    ]


def name_all(to_name, answer, lake=None, **settings):
    """Named themes and the server. `answer` gets the theme's keyword and what stands under neighbouring themes."""

    def reply(_, body):
        head, *lines = body["messages"][1]["content"].partition("\nSummaries:")[0].splitlines()
        near = [json.loads(line[2:]) for line in lines if line.startswith('- "')]
        return answer(head.removeprefix("Keywords: "), near)

    async def go(url):
        return await name_themes(namer_for(url, store(lake) if lake else None, **settings), to_name)

    with LlmServer(reply) as server:
        found = asyncio.run(go(server.url))
        assert_adds_up(found.account, server)
    assert len(found.names) == len(to_name)
    return found, server


def described(label):
    return named(label, "Many report this.", "description")


def labels(found):
    return [name.label for name in found.names]


def test_themes_are_named_in_their_order_and_described():
    found, server = name_all(themes(20), lambda word, _: described(f"On {word}"), max_concurrency=5)
    assert labels(found) == [f"On word{i}" for i in range(20)]
    assert {(name.representation, name.summary_source, name.llm_model) for name in found.names} == {
        ("Many report this.", "llm", "tiny")
    }
    assert (found.n_numbered, len(server.requests), found.account.n_questions) == (0, 20, 20)
    assert found.prompt in server.shown


def test_a_theme_is_shown_its_neighbours_keywords_and_its_summaries():
    _, server = name_all(themes(4), lambda word, _: described(word))
    assert (
        'Keywords: word3\nNeighbouring themes:\n- "word0"\n- "word1"\nSummaries:\n- "Firms speak of word3."'
    ) in server.shown


def test_a_theme_alone_has_no_neighbours():
    _, server = name_all(themes(1), lambda word, _: described(word))
    assert "Neighbouring themes: none\n" in server.shown[0]


def test_no_themes_are_no_questions():
    found, server = name_all([], lambda word, _: described(word))
    assert (found.names, found.n_numbered, found.prompt) == ([], 0, None)
    assert server.requests == []


@pytest.mark.parametrize("same", ["Costs", "costs", "COSTS"])
def test_the_larger_theme_keeps_its_label_and_the_other_is_asked_again_with_the_labels_that_are_taken(same):
    def answer(word, near):
        if word == "word2" and "Costs" not in near and same not in near:
            return described(same)
        return described({"word0": "Costs", "word2": "Wages"}.get(word, word))

    found, server = name_all(themes(4), answer)
    assert labels(found) == ["Costs", "word1", "Wages", "word3"]
    assert found.n_numbered == 0
    assert (len(server.requests), found.account.n_questions, found.account.n_again) == (5, 4, 1)
    again = server.shown[-1]
    assert again.startswith("Keywords: word2")
    taken = dict.fromkeys([same, "word3", "Costs"])  # its own first answer, then its neighbours'
    assert again.partition("\nSummaries:")[0].splitlines()[2:] == [f'- "{label}"' for label in taken]


def test_labels_that_stay_the_same_are_numbered_and_counted():
    found, server = name_all(themes(4), lambda word, _: described("Costs" if word != "word1" else "costs"))
    assert labels(found) == ["Costs", "costs (2)", "Costs (3)", "Costs (4)"]
    assert found.n_numbered == 3
    assert len(server.requests) == 4 + 3
    assert found.account.outcomes == {"named": 4}  # one for each theme; that three were asked again is counted, too
    assert found.account.n_again == 3


@pytest.mark.parametrize("second", [PROSE, error(500)], ids=["prose", "500"])
def test_a_theme_without_a_second_answer_keeps_the_first_and_a_number(second):
    def answer(_, near):
        return second if "Costs" in near else described("Costs")

    found, _ = name_all(themes(2), answer)
    assert labels(found) == ["Costs", "Costs (2)"]
    assert {name.summary_source for name in found.names} == {"llm"}


def test_a_number_never_makes_a_label_that_another_theme_has():
    given = {"word0": "Costs", "word1": "Costs", "word2": "Costs (2)", "word3": "Costs (2)"}
    found, _ = name_all(themes(4), lambda word, _: described(given[word]))
    assert len({label.casefold() for label in labels(found)}) == 4
    assert labels(found)[:2] == ["Costs", "Costs (2)"]
    assert found.n_numbered == 3


def test_fallbacks_are_told_apart_too():
    same = keyword_name(["freight"], ["A sentence."])
    found, _ = name_all(themes(3, fallback=same), lambda *_: PROSE)
    assert labels(found) == ["freight", "freight (2)", "freight (3)"]
    assert found.n_numbered == 2
    assert {name.summary_source for name in found.names} == {"keywords"}
    assert found.account.outcomes == {"not_json": 3}


def test_a_fallback_is_told_apart_from_an_answer():
    same = keyword_name(["freight"], ["A sentence."])
    found, _ = name_all(themes(2, fallback=same), lambda word, _: described("Freight") if word == "word1" else PROSE)
    assert labels(found) == ["freight", "Freight (2)"]
    assert [name.summary_source for name in found.names] == ["keywords", "llm"]


def test_one_theme_without_an_answer_costs_one_name():
    found, _ = name_all(themes(4), lambda word, _: error(422) if word == "word2" else described(word))
    assert [name.summary_source for name in found.names] == ["llm", "llm", "keywords", "llm"]
    assert found.names[2] == keyword_name(["word2"], ["A sentence."])
    assert found.account.outcomes == {"named": 3, "rejected": 1}


def test_a_description_that_names_a_firm_is_flagged():
    found, _ = name_all(themes(1), lambda *_: named("Costs", "Acme pays more.", "description"))
    assert [name.names_firm for name in found.names] == [True]


def test_a_theme_that_begins_with_an_ordinary_word_is_not_flagged_though_a_firm_is_called_so():
    own = OwnNames(frozenset({"target", "price"}), frozenset({"target", "price"}))
    found, server = name_all(themes(1, own_names=own), lambda *_: named("Price Targets", "Price cuts.", "description"))
    assert [name.names_firm for name in found.names] == [False]
    assert len(server.requests) == 1


def test_themes_that_are_named_again_ask_nothing_second_questions_included(lake):
    first, before = name_all(themes(4), lambda *_: described("Costs"), lake)
    second, server = name_all(themes(4), lambda *_: error(500), lake)
    assert second.names == first.names
    assert (second.n_numbered, first.n_numbered) == (3, 3)
    assert server.requests == []
    assert second.account.n_remembered == second.account.n_questions == 4
    assert len(before.requests) == 7


def test_a_numbered_name_keeps_everything_but_its_label():
    found, _ = name_all(themes(2), lambda *_: described("Costs"))
    one, other = found.names
    assert isinstance(other, Name)
    assert other.as_columns() == one.as_columns() | {"label": "Costs (2)"}
