"""Accepted answers are kept, so that nothing is paid for twice."""

from pathlib import Path

import pytest
from llm_server import completion, error, named, reset
from name_asking import GOOD, LONG, PROSE, WITH_NAME, ask, store

from ftm_ray.naming import kept_answers as answers
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.naming.prompts import topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens

pytestmark = pytest.mark.usefixtures("short_waits")


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
