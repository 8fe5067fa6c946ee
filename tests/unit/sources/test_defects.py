"""The rules for defective calls."""

import random
from datetime import date

import pytest

from ftm_ray.sources.calls import Call, Firm, Passage, Turn
from ftm_ray.sources.defects import DropReason, Verdict, judge_calls, pasted_again, repair_notes

WORDS = ("margin", "demand", "supply", "price", "factory", "store", "loan", "premium", "cloud", "chip", "freight")


def speech(seed: int, n_sentences: int = 40) -> list[str]:
    """Sentences that no other seed says."""
    rng = random.Random(seed)
    return [f"In part {seed} point {i} we saw {' and '.join(rng.sample(WORDS, 6))}." for i in range(n_sentences)]


def call(transcript_id: str, sentences: list[str]) -> Call:
    return Call(transcript_id, date(2023, 2, 1), (Turn(" ".join(sentences)),) if sentences else ())


def firm(firm_id: str, *calls: Call, name: str | None = "Zyxtel Corp") -> Firm:
    return Firm(firm_id, name, None, None, None, None, calls)


def judge(*firms: Firm, neighbours: tuple[Passage, ...] = ()) -> dict[str, Verdict]:
    verdicts = judge_calls(firms, lambda: neighbours)
    return {transcript_id: verdict for (_, transcript_id), verdict in verdicts.items()}


def test_good_call_is_kept_without_a_word():
    assert judge(firm("A", call("a1", speech(1)))) == {"a1": Verdict()}


def test_empty_and_short_calls_are_dropped():
    verdicts = judge(firm("A", call("a1", []), call("a2", ["Thank you."])), firm("B", call("b1", speech(1))))
    assert verdicts["a1"].reason == DropReason.EMPTY
    assert verdicts["a2"].reason == DropReason.SHORT
    assert verdicts["b1"].reason is None


def test_call_short_for_its_quarter_is_kept_and_noted():
    usual = [firm(f"F{i}", call(f"f{i}", speech(i, 300))) for i in range(20)]
    verdict = judge(*usual, firm("A", call("a1", speech(99, 20))))["a1"]
    assert verdict.reason is None
    assert verdict.notes[0].startswith("short_for_quarter: ")


def test_two_calls_of_a_firm_are_both_kept():
    verdicts = judge(firm("A", call("a1", speech(1)), call("a2", speech(2))))
    assert verdicts == {"a1": Verdict(None, ("two_calls: 2",)), "a2": Verdict(None, ("two_calls: 2",))}


def test_firm_without_name_is_noted():
    assert judge(firm("A", call("a1", speech(1)), name=None))["a1"] == Verdict(None, ("no_firm_name",))


def test_of_copies_in_a_firm_the_longest_is_kept():
    verdicts = judge(firm("A", call("a1", speech(1)[:30]), call("a2", speech(1)), call("a3", speech(2))))
    assert verdicts["a1"].reason == DropReason.DUPLICATE_CALL
    assert verdicts["a2"].reason is None
    assert "copy_in_firm: a1" in verdicts["a2"].notes
    assert verdicts["a3"] == Verdict(None, ("two_calls: 3",))


def test_copies_are_seen_through_case_and_punctuation():
    shouted = [sentence.upper().replace(".", "!") for sentence in speech(1)]
    assert judge(firm("A", call("a1", speech(1)), call("a2", shouted)))["a2"].reason == DropReason.DUPLICATE_CALL


def test_shared_text_stays_with_the_firm_it_names():
    sentences = [*speech(1), *(f"At Lowe's we sold many things in week {i} of it." for i in range(5))]
    verdicts = judge(
        firm("L", call("l1", sentences), name="Loews Corporation"),
        firm("LOW", call("low1", sentences), name="Lowe's Companies, Inc."),
    )
    assert verdicts["l1"].reason == DropReason.OTHER_FIRM
    assert verdicts["low1"] == Verdict(None, ("shared_with_firm: l1",))


def test_shared_text_that_names_nobody_is_kept_by_nobody():
    verdicts = judge(
        firm("L", call("l1", speech(1)), name="Loews Corporation"),
        firm("LOW", call("low1", speech(1)), name="Lowe's Companies, Inc."),
    )
    assert {verdict.reason for verdict in verdicts.values()} == {DropReason.OTHER_FIRM}


def test_share_classes_of_one_firm_keep_one_call():
    verdicts = judge(
        firm("GOOG", call("c1", speech(1)), name="Alphabet Inc."),
        firm("GOOGL", call("c2", speech(1)), name="Alphabet Inc."),
    )
    assert (verdicts["c1"].reason, verdicts["c2"].reason) == (None, DropReason.DUPLICATE_CALL)


def test_text_of_another_quarter_is_kept_and_noted():
    neighbours = tuple(Passage("A", "a0", sentence) for sentence in speech(1))
    verdict = judge(firm("A", call("a1", speech(1))), neighbours=neighbours)["a1"]
    assert verdict == Verdict(None, ("other_quarter: 1.00 of the text also in a0",))


def test_common_boilerplate_makes_no_copies():
    safe_harbour = speech(0, 12)
    firms = [firm(f"F{i}", call(f"f{i}", safe_harbour + speech(i + 1))) for i in range(3)]
    assert {verdict.reason for verdict in judge(*firms).values()} == {None}


def test_second_copy_is_found_where_it_begins():
    talk = speech(1)
    again = [*talk[:10], "This one was recognised otherwise by the machine this time.", *talk[11:]]
    assert pasted_again([*talk, *again]) == set(range(40, 80))


def test_copy_in_the_middle_leaves_what_comes_after():
    assert pasted_again([*speech(1), *speech(1), *speech(2)]) == set(range(40, 80))


def test_copy_in_two_pieces_leaves_what_stands_between():
    talk = speech(1, 60)
    assert pasted_again([*talk, *talk[:30], *speech(2), *talk[30:]]) == {*range(60, 90), *range(130, 160)}


@pytest.mark.parametrize("repeated", ["Our next question comes from the line of somebody at some bank.", "Thank you."])
def test_repeated_phrases_are_no_copy(repeated):
    assert not pasted_again([sentence for spoken in speech(1) for sentence in (spoken, repeated)])


def test_repairs_are_noted():
    broken = Call(
        "a1", date(2023, 2, 1), (Turn("Sales &amp; rent at CrÃ©dit Agricole."), Turn('<Sync id="1"/>Hi <UNK>.'))
    )
    assert repair_notes(broken) == ["html: 2", "mojibake: 1"]
    assert repair_notes(call("a2", ["At <UNK> 3 < 4 & so on, said José — “fine”."])) == []
