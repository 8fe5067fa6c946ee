"""What was said must survive; what is only the mechanics of a call must not reach the encoder."""

import pytest

from ftm_ray.text.sentences import (
    clean_for_keywords,
    firm_name_tokens,
    is_foreign,
    person_names,
    repair_text,
    rule_drop_reason,
    split_sentences,
)

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


# --- foreign -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "この商品は発売後非常に好評です。",
        "第三分野のAFLACがNo.1です。",
        "Выручка выросла на восемь процентов.",
        "Wir haben im dritten Quartal einen Umsatz von zwei Milliarden Euro erzielt.",
        "Gracias por la pregunta, el crecimiento de ventas fue muy fuerte en México.",
        "Nous sommes très heureux de vous annoncer une croissance de notre chiffre d'affaires.",
        "Obrigado a todos por participarem da nossa teleconferência de resultados hoje.",
        "Siamo molto contenti dei risultati del trimestre e della crescita dei ricavi.",
        "We zijn zeer tevreden over de resultaten van het kwartaal en de groei.",
        "Vi är mycket nöjda med resultatet under kvartalet och tillväxten i intäkterna.",
        "Vi er meget tilfredse med resultaterne i kvartalet og væksten i omsætningen.",
        "Olemme erittäin tyytyväisiä neljänneksen tuloksiin ja liikevaihdon kasvuun tänään.",
        "Jesteśmy bardzo zadowoleni z wyników kwartału i wzrostu przychodów firmy.",
        "Bu çeyrekte elde ettiğimiz sonuçlardan ve gelir artışından çok memnunuz bugün.",
    ],
)
def test_foreign_passages_are_recognised(sentence):
    assert is_foreign(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Bank loan growth double digit margin expansion cloud software pricing tailwinds strong.",
        "Our next caller is Željko Đorđević with Crédit Agricole.",
        "Société Générale, Crédit Suisse, BNP Paribas, Banco Santander, Intesa Sanpaolo, Deutsche Bank.",
        "We grew in São Paulo and in Düsseldorf.",
        "EBITDA margin 23.4% versus 22.1% year-over-year.",
        "Adjuvant pembrolizumab plus axitinib versus sunitinib nephrectomy trial enrolment completed ahead schedule.",
        "Cholecystectomy, colon resection, lung resection, and foregut procedures led global procedure growth.",
        "Commercial OE versus aftermarket, military OE versus aftermarket, rotorcraft OE versus aftermarket.",
    ],
)
def test_english_with_foreign_names_or_jargon_stays(sentence):
    assert not is_foreign(sentence)


# --- names ---------------------------------------------------------------------------------------------------------


def test_names_are_read_from_the_talk():
    turns = [
        "Our first question comes from the line of Toshiya Hari with Goldman Sachs.",
        "Thanks, Matt. I'm Luca Maestri, Vice President.",
        "I'd like to turn the call over to Jane O'Malley. Good morning, Brian.",
        "Joining me today are Cecilia Jones, our CFO, and others.",
        "Yeah, Vijay, that is right. As Parag mentioned, it grew.",
    ]
    found = person_names(turns, [])
    assert found >= {"toshiya", "hari", "matt", "luca", "maestri", "jane", "o'malley", "brian", "cecilia", "jones"}
    assert found >= {"vijay", "parag"}
    assert not found & {"goldman", "sachs", "vice", "president", "call", "question", "line"}


def test_ordinary_words_are_no_names():
    turns = [
        "Thanks, everyone. Next, margins. Good morning, Team. Demand comes from Data Center.",
        "Yes, Margins, they improved, and margins matter. Pricing held up. Our pricing is strong. Thanks, Pricing.",
        "Azure grew. Azure is large. Azure, Azure, Azure and Azure again. Azure wins. Azure rose. Azure, we like. "
        "Azure sells. Azure runs. Azure is up. Azure is here. Thank you, Azure.",
    ]
    assert person_names(turns, []) == frozenset()


def test_speaker_names_lose_suffixes_titles_and_stand_ins():
    speakers = ["Amy E. Hood", "John Smith Jr., PhD", "Unidentified Analyst", "Operator", "<UNK>"]
    assert person_names(["Revenue grew."], speakers) == {"amy", "hood", "john", "smith"}


def test_a_speaker_named_like_a_common_word_does_not_take_the_word():
    assert "price" not in person_names(["The price rose. A low price helps, a high price hurts."], ["Tom Price"])


@pytest.mark.parametrize(
    ("name", "ticker", "expected"),
    [
        ("Apple Inc.", "AAPL", {"apple", "aapl"}),
        ("Duke Power Company", "DUK", {"duke", "duk"}),
        ("Bank of America Corporation", "BAC", {"bac"}),
        ("Cisco Systems, Inc.", "CSCO", {"cisco", "csco"}),
        ("Tyson Foods, Inc.", "TSN", {"tyson", "tsn"}),
        ("The Kraft Heinz Company", "KHC", {"kraft", "heinz", "khc"}),
        ("General Motors Company", "GM", set()),
        ("C3.ai, Inc.", "AI", {"c3"}),
        ("Power Integrations", "NOW", set()),
        (None, None, set()),
    ],
)
def test_firm_names_leave_ordinary_words(name, ticker, expected):
    tokens = firm_name_tokens(name, ticker)
    assert tokens >= expected
    assert not tokens & {"power", "bank", "systems", "foods", "motors", "america", "company", "ai", "now", "inc"}


# --- keywords ------------------------------------------------------------------------------------------------------


def test_keywords_are_lemmas_without_stop_words_numbers_fillers_and_names():
    names = frozenset({"matt", "apple"})
    sentence = "Yeah, um, Matt, I think Apple's stores were sort of busy in Q3, with 25 million customers, you know."
    assert clean_for_keywords(sentence, names) == "store busy customer"


def test_a_year_is_no_keyword_because_something_belongs_to_it():
    assert clean_for_keywords("2024's growth and the 1990's rates", frozenset()) == "growth rate"


def test_keywords_keep_terms_of_the_trade():
    sentence = "In the U.S., 5G, AI, EVs, SaaS and COVID-19 moved our P&L and R&D data."
    words = clean_for_keywords(sentence, frozenset()).split()
    assert {"u.s.", "5g", "ai", "evs", "saas", "covid-19", "p&l", "r&d", "data"} <= set(words)


def test_trades_in_ing_are_not_cut_to_verbs():
    assert clean_for_keywords("Pricing, lending and marketing", frozenset()) == "pricing lending marketing"


@pytest.mark.parametrize("sentence", ["", "Thank you very much.", "So, you know, it's about 3.5% to 4%.", "<UNK>."])
def test_empty_talk_has_no_keywords(sentence):
    assert clean_for_keywords(sentence, frozenset()) == ""


# --- rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Thank you very much.", "pleasantry"),
        ("Yeah, Vijay, thanks for the question.", "pleasantry"),
        (
            "Good afternoon, everyone, and welcome to Waters Corporation's Third Quarter 2024 Earnings Call.",
            "pleasantry",
        ),
        ("Hey, guys, congrats on a great quarter.", "pleasantry"),
        ("Okay.", "fragment"),
        ("Right, right.", "fragment"),
        ("Great question, Brian.", "fragment"),
        ("And then I have a follow-up.", "fragment"),
        ("05.", "fragment"),
        ("Our next question comes from the line of Joe Moore with Morgan Stanley.", "procedure"),
        ("We'll go next to Angel Castillo with Morgan Stanley.", "procedure"),
        ("With that, I'll turn it over to Amy for the details.", "procedure"),
        ("If you would like to ask a question, please press star 1 on your telephone keypad.", "procedure"),
        ("This concludes today's conference call.", "procedure"),
        ("Joining me today are Chris Cox, Chief Executive Officer, and Gina Goetter, CFO.", "procedure"),
        ("Hi, this is Ann Lee on for Bob Stone.", "pleasantry"),
        ("Actual results may differ materially from these forward-looking statements.", "legal"),
        ("A replay of this webcast will be available on our website.", "legal"),
    ],
)
def test_call_mechanics_are_dropped_with_their_reason(sentence, reason):
    assert rule_drop_reason(sentence, None) == reason


@pytest.mark.parametrize(
    "sentence",
    [
        "Revenue was up 8%.",
        "Our guidance for the full year is unchanged.",
        "Thank you for asking about pricing, we took another increase in July.",
        "Thanks, Matt, and gross margin improved again.",
        "Yes, we expect that to continue into next year.",
        "We pass that on to the customers.",
        "They don't have to give it back to us unless they want to.",
        "Risk adjustment payments came in below what we had assumed.",
        "I wanted to ask a question on real assets and the momentum there.",
        "Demand comes from data centers.",
        "The question is whether utilities can add power fast enough.",
        "We safe harbored solar modules ahead of the deadline.",
        "Our conference business and webcast revenue recovered.",
        "We open the floor of the new plant in June.",
        "It should be better in the second half.",
        "We handed the keys to three thousand home buyers.",
        "Volumes fell.",
    ],
)
def test_business_stays(sentence):
    assert rule_drop_reason(sentence, None) is None


def test_the_operator_is_known_by_role_when_the_source_has_one():
    assert rule_drop_reason("Revenue was up 8%.", "Operator") == "operator"
    assert rule_drop_reason("Revenue was up 8%.", "Analyst") is None


def test_a_figure_saves_a_sentence_from_a_phrase():
    assert rule_drop_reason("Before I turn the call over to Jim, margin was 23%.", None) is None


def test_a_run_on_that_holds_a_phrase_and_business_stays():
    run_on = "next question comes from the line of Joe with Citi " + "we saw demand for value added services grow " * 6
    assert rule_drop_reason(run_on, None) is None
