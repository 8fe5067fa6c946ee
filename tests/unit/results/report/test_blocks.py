"""What is packed can be unpacked, is the same twice, and holds spoken words only where they are wanted."""

import base64
import gzip
import json
import re

import numpy as np
import pytest
from invented import QUARTER, SENTENCES

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.results.report import blocks
from ftm_ray.results.report.coded_texts import coded_texts
from ftm_ray.results.report.content import published_quarters, read_quarters, read_spoken
from ftm_ray.results.report.layout import place_topics
from ftm_ray.results.report.writer import SCRIPTS, make_report, page_file


def unpacked(html, name):
    found = re.search(rf'<script type="text/plain" id="block-{name}">([^<]*)</script>', html)
    return gzip.decompress(base64.b64decode(found[1]))


def texts_of(html):
    """Every block of a page as text, and the page around them."""
    names = re.findall(r'<script type="text/plain" id="block-([\w-]+)">', html)
    found = html + "".join(unpacked(html, name).decode("utf-8", "replace") for name in names)
    return found + "\n".join(decoded(json.loads(unpacked(html, "words")), unpacked(html, "text"), 3))


def decoded(words, packed, n_columns):
    """Texts from words and numbers, as the page puts them together: row after row."""
    n_texts = 0  # the lengths stand first: as many as add up to the numbers that are left
    while True:
        n_texts += n_columns
        lengths = np.frombuffer(packed, "<u4", n_texts)
        numbers = np.frombuffer(packed, "<u2" if len(words) <= 65_536 else "<u4", offset=4 * n_texts)
        if lengths.sum() == len(numbers):
            break
    ends = np.cumsum(lengths).tolist()
    return [
        " ".join(words[n] for n in numbers[end - length : end].tolist())
        for length, end in zip(lengths.tolist(), ends, strict=True)
    ]


@pytest.mark.parametrize("n_words", [70_000, 50_000])  # numbers of four bytes, and of two
def test_texts_come_back_from_numbers_of_words(n_words):
    labels = ["Tariffs on steel", "", "  two  blanks ", "line\nbreak and\ttab", "\u202eturned\u200b"]
    summaries = [" ".join(f"w{n}" for n in range(n_words)), "Tariffs on copper", "", "steel", "x" * 100_000]
    words, packed = coded_texts([labels, summaries])
    assert decoded(words, packed, 2) == [text for row in zip(labels, summaries, strict=True) for text in row]
    assert words[:4] == ["", "Tariffs", "on", "steel"]  # 7 times, twice, twice, twice
    assert coded_texts([labels, summaries]) == (words, packed)


@pytest.fixture
def quarters(published):
    return read_quarters(published.lake, [QUARTER])


def test_the_same_tables_give_the_same_page(published):
    assert make_report(published.lake, [QUARTER], 3) == make_report(published.lake, [QUARTER], 3)


def test_numbers_of_the_map_come_back_column_by_column(quarters):
    [quarter] = quarters
    places = place_topics([quarter.vectors])
    firm_ids = sorted(quarter.firms)
    numbers = blocks.map_numbers(quarters, places, firm_ids)
    n = quarter.topics.num_rows
    assert len(numbers) == n * (6 * 2 + 2)
    x, y, theme, firm, topic_id, size = np.frombuffer(numbers[: 12 * n], "<u2").reshape(6, n)
    similarity, support = np.frombuffer(numbers[12 * n :], "u1").reshape(2, n)
    assert np.array_equal(np.stack([x, y], axis=1), places[0])
    assert [(firm_ids[f], t) for f, t in zip(firm, topic_id.tolist(), strict=True)] == quarter.topic_keys()
    assert size.tolist() == quarter.topics["n_sentences"].to_pylist()
    of_theme = {(m["firm_id"], m["topic_id"]): m for m in quarter.members.to_pylist()}
    for row, key in enumerate(quarter.topic_keys()):
        if key in of_theme:
            assert quarter.themes[theme[row] - 1]["theme_id"] == of_theme[key]["theme_id"]
            assert similarity[row] == round(100 * of_theme[key]["similarity"])
        else:
            assert (theme[row], similarity[row]) == (0, 255)
    assert set(support.tolist()) == {255}  # named by keywords: nothing to support


def test_exemplars_are_the_first_of_the_topic_with_who_said_them(published, quarters):
    [quarter] = quarters
    spoken = read_spoken(published.lake, quarter, 2)
    ids = [ids[:2] for ids in quarter.topics["exemplar_ids"].to_pylist()]
    assert [[sentence[5] for sentence in sentences] for sentences in spoken] == ids
    text, _speaker, _kind, day, _section, _id = spoken[0][0]
    assert text in SENTENCES
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)


def test_sentences_lie_in_blocks_of_their_topics(published, monkeypatch):
    monkeypatch.setattr(blocks, "TOPICS_PER_BLOCK", 4)
    page = make_report(published.lake, [QUARTER], 1)
    n_blocks = -(-page.n_topics // 4)
    found = [json.loads(unpacked(page.html, f"spoken-{number}")) for number in range(n_blocks)]
    assert [len(block) for block in found[:-1]] == [4] * (n_blocks - 1)
    assert sum(len(sentences) for block in found for sentences in block) == page.n_sentences
    assert f'id="block-spoken-{n_blocks}"' not in page.html


def test_a_page_without_exemplars_holds_no_word_of_a_call(published):
    whole = texts_of(make_report(published.lake, [QUARTER], 3).html)
    silent = texts_of(make_report(published.lake, [QUARTER], 0).html)
    assert any(sentence in whole for sentence in SENTENCES)
    assert not [sentence for sentence in SENTENCES if sentence[:40] in silent]
    speakers = set()
    for name in published.lake.list_files(f"processed/sentences/quarter={QUARTER}"):
        table = published.lake.read_table(f"processed/sentences/quarter={QUARTER}/{name}", ["speaker_name"])
        speakers |= set(table["speaker_name"].drop_null().to_pylist())
    assert not [speaker for speaker in speakers if speaker in silent]


def test_a_label_without_keywords_is_a_sentence_and_not_on_a_silent_page():
    named = {"label": "We hired four hundred nurses", "keywords": [], "summary_source": "keywords"}
    assert blocks._label(named, spoken_words=False) == "(no words of its own)"
    assert blocks._label(named, spoken_words=True) == named["label"]
    assert blocks._label(named | {"summary_source": "llm"}, spoken_words=False) == named["label"]


def test_more_firms_than_the_page_can_number_are_refused(quarters):
    with pytest.raises(ConfigError, match="at most 65,535 themes and firms"):
        blocks.map_numbers(quarters, [np.zeros((1, 2), np.uint16)], [str(number) for number in range(70_000)])


def test_a_quarter_that_is_not_published_is_named(published):
    with pytest.raises(SourceError, match="1999Q1"):
        make_report(published.lake, ["1999Q1"], 3)
    assert published_quarters(published.lake, "2023Q4", "2024Q2") == ["2023Q4", QUARTER, "2024Q2"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_of_the_page_can_end_itself_or_read_text_as_markup(name):
    script = page_file(name)
    for forbidden in ("</script", "<!--", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in script


def test_the_policy_lets_nothing_in_but_the_files_of_the_page(published):
    html = make_report(published.lake, [QUARTER], 0).html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 1 + len(SCRIPTS)
