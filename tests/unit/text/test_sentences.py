"""What was spoken survives the repair and the cut into sentences."""

from ftm_ray.text.sentences import repair_text, split_sentences

# --- repair --------------------------------------------------------------------------------------------------------


def test_repair_mends_mojibake_and_curly_quotes():
    assert repair_text("CrÃ©dit Agricole doesnâ€™t agree") == "Crédit Agricole doesn't agree"


def test_repair_removes_markup_but_keeps_the_words_apart():
    text = '<Sync id="L164"/>Hello.<br/>Demand &amp; supply&nbsp;grew.  <Sync id="L165"/>Thanks.'
    assert repair_text(text) == "Hello. Demand & supply grew. Thanks."


def test_repair_keeps_hidden_names_line_ends_and_less_than_signs():
    assert repair_text("Thanks, <UNK>.\r\n\r\nSales fell.") == "Thanks, <UNK>.\nSales fell."
    assert repair_text("margins < 5 and > 3") == "margins < 5 and > 3"


def test_repair_of_repaired_text_changes_nothing():
    once = repair_text("It&#39;s   <b>fine</b>, Ã©galement\n\n ok")
    assert repair_text(once) == once


# --- split ---------------------------------------------------------------------------------------------------------


def test_sentences_keep_abbreviations_and_figures_together():
    text = "Revenue in the U.S. was $1.2 billion. Mr. Smith will go on. Are we done?"
    assert split_sentences(text) == ["Revenue in the U.S. was $1.2 billion.", "Mr. Smith will go on.", "Are we done?"]


def test_a_line_end_ends_a_sentence_unless_the_text_is_wrapped_at_a_width():
    assert split_sentences("Sales grew\nMargins fell") == ["Sales grew", "Margins fell"]
    assert split_sentences("Sales grew in\nall regions of\nthe world.") == ["Sales grew in all regions of the world."]


def test_a_run_on_without_full_stops_is_cut_and_no_word_is_lost():
    run_on = "so we saw demand grow in the region and then we added capacity because customers asked for it " * 40
    pieces = split_sentences(run_on)
    assert max(len(piece.split()) for piece in pieces) <= 100
    assert min(len(piece.split()) for piece in pieces) >= 10
    assert " ".join(pieces).split() == run_on.split()


def test_a_run_on_that_lost_its_full_stops_is_cut_where_sentences_begin():
    run_on = " ".join(["Our margins rose in the third quarter of the year"] * 15)
    assert set(split_sentences(run_on)) == {"Our margins rose in the third quarter of the year"}


def test_empty_and_wordless_input_gives_no_sentences():
    assert split_sentences("") == []
    assert split_sentences(" ... \n -- ") == []
