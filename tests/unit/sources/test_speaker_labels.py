"""A call in one text becomes turns; what has no labels stays as it is. How many are found: tests/golden."""

from label_marks import read_marked

from ftm_ray.sources.calls import Turn
from ftm_ray.sources.speaker_labels import cut_at_labels

COLON = """Operator: Good day, and welcome to the call. [Operator Instructions]
John Poe: Freight rates fell. We expect more of it.
And so do our customers.
Operator: Our first question comes from the line of Tom Loe with Big Bank. Please go ahead.
Tom Loe: How long will it last?
John Poe: One thing: nobody knows."""


def turns_of(text):
    found = cut_at_labels(text)
    assert found is not None
    return found.turns


def test_a_label_with_a_colon_begins_a_turn():
    assert turns_of(COLON) == (
        Turn("Good day, and welcome to the call.", "Operator", "Operator", "prepared"),
        Turn(
            "Freight rates fell. We expect more of it.\nAnd so do our customers.",
            "John Poe",
            None,  # nothing says what he is
            "prepared",
        ),
        Turn(
            "Our first question comes from the line of Tom Loe with Big Bank. Please go ahead.",
            "Operator",
            "Operator",
            "qa",
        ),
        Turn("How long will it last?", "Tom Loe", "Analyst", "qa"),
        Turn("One thing: nobody knows.", "John Poe", None, "qa"),
    )


def test_the_same_text_without_line_breaks_gives_the_same_turns():
    flat = turns_of(COLON.replace("\n", " "))
    assert [(turn.speaker_name, turn.text.split()) for turn in flat] == [
        (turn.speaker_name, turn.text.split()) for turn in turns_of(COLON)
    ]


def test_the_same_text_as_a_page_gives_the_same_turns():
    lines = (line.partition(":") for line in COLON.split("\n"))
    page = "".join(f"<p><strong>{name}:</strong>{said}</p>" if said else f"<p>{name}</p>" for name, _, said in lines)
    assert turns_of(page) == turns_of(COLON)


def test_titles_lists_and_headings_say_who_speaks_in_which_part():
    call = next(call for call in read_marked("chosen_on") if call.form.startswith("2 "))
    found = cut_at_labels("\n".join(call.lines))
    types = {turn.speaker_name: turn.speaker_type for turn in found.turns}
    assert types == {
        "Operator": "Operator",
        "Cora Vance": "Executive",
        "Ulf Sandgren": "CEO",
        "Renee St. James": "CFO",
        "Dov Halpern": "Analyst",
        "Ines Roca": "Analyst",
        "Unknown speaker": None,
    }
    first_question = next(row for row, turn in enumerate(found.turns) if "Dov Halpern" in turn.text)
    assert {turn.section for turn in found.turns[:first_question]} == {"prepared"}
    assert {turn.section for turn in found.turns[first_question:]} == {"qa"}
    assert found.n_labels == len(call.names)
    said = "\n".join(turn.text for turn in found.turns)
    assert "Duration" not in said
    assert "Contents" not in said
    assert "Operator Instructions" not in said
    assert "Grain: we moved more of it than in any second quarter before." in said


def test_marks_of_question_and_answer_give_the_type():
    call = next(call for call in read_marked("chosen_on") if call.form.startswith("4 "))
    types = {turn.speaker_name: turn.speaker_type for turn in turns_of("\n".join(call.lines))}
    assert types["Abel Munoz"] == types["Ilse Kranz"] == "Analyst"
    assert types["Per Olsen"] == types["Gwen Ashby"] == "Executive"


def test_all_talk_is_kept_and_no_list_and_no_rule():
    for call in (call for half in ("chosen_on", "held_out") for call in read_marked(half) if call.names):
        said = "\n".join(turn.text for turn in cut_at_labels("\n".join(call.lines)).turns)
        for line in (line.replace("**", "") for line in call.talk):
            words = line.removesuffix("[Operator Closing Remarks]").replace(" [Operator Instructions]", "").strip()
            assert words.replace("[Operator Instructions] ", "") in said, call.form
        assert "----" not in said
        assert "articipants" not in said.replace("all participants", "")


def test_talk_with_colons_and_names_is_no_label():
    text = (
        "Good morning. Three topics: orders, prices, people.\nOrders: up.\nPrices: up.\nOrders: we see no slowdown.\n"
        "Thanks, John.\nOperator, please open the line.\nGross Margin: forty percent.\nAs John Poe said: never again."
    )
    assert cut_at_labels(text) is None
    assert cut_at_labels(text.replace("\n", " ")) is None
    assert cut_at_labels("") is None


def test_one_speaker_alone_is_not_cut():
    assert cut_at_labels("Operator: Please stand by.\nWe begin in a minute.") is None


def test_a_surname_that_headings_use_is_a_name_behind_a_first_name():
    text = "Operator: Good day.\nAndrew West: We sold the mill.\nMiddle East: up.\nNorth: down.\nAnn Key: Why?"
    text += "\nAndrew West: Because.\nMiddle East: up.\nAnn Key: Thanks."
    names = [turn.speaker_name for turn in turns_of(text)]
    assert names == ["Operator", "Andrew West", "Ann Key", "Andrew West", "Ann Key"]
