"""One batch of firms: every firm gets its row, every sentence its place, and one bad firm costs one firm."""

import copy

import numpy as np
import pytest
from invented import SENTENCES, SUBJECTS, firm, prefetch_table

from ftm_ray.config import EmbedSettings, TopicSettings
from ftm_ray.errors import SourceError
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.parts import FIRM_TOPICS
from ftm_ray.text.boilerplate_classifier import BoilerplateClassifier
from ftm_ray.topics.finder import FirmTopicFinder
from ftm_ray.vectors.small_vectors import SmallVectors

BOILERPLATE = "Thank you, and good morning, everyone."
POISON = "This sentence breaks the encoder, which happens to one firm only."

BIG = firm("BIG", [[BOILERPLATE, *SENTENCES[:30]], [*SENTENCES[30:], "Thank you."]])
SMALL = firm("SMALL", [[*SUBJECTS["freight"], *SUBJECTS["credit"]]])
FOUR = firm("FOUR", [[BOILERPLATE, *SENTENCES[:4]]])
FIVE = firm("FIVE", [SENTENCES[:5]])
SILENT = firm("SILENT", [[]])
UNLINKED = firm("UNLINKED", [SENTENCES[:12]], permno=None)


def rows_of(finder, *firms):
    table = finder(prefetch_table(firms))
    assert check_table(table, FIRM_TOPICS, "found").num_rows == len(firms)
    return table.to_pylist()


def without_seconds(row):
    return {name: value for name, value in row.items() if not name.endswith("_s")}


def assert_accounted_for(row, given):
    """Each sentence is in one topic, an outlier, or dropped with a reason."""
    assert row["n_sentences"] == len(given["sentences"]) == len(row["topic_ids"]) == len(row["drop_reasons"])
    for topic_id, reason in zip(row["topic_ids"], row["drop_reasons"], strict=True):
        assert (topic_id is None) == (reason is not None)
    ids = [sentence["sentence_id"] for sentence in given["sentences"]]
    for topic in row["topics"]:
        members = [i for i, found in zip(ids, row["topic_ids"], strict=True) if found == topic["topic_id"]]
        assert topic["sentence_ids"] == members
        assert topic["n_sentences"] == len(members)
    found = {topic_id for topic_id in row["topic_ids"] if topic_id is not None and topic_id >= 0}
    assert found == {topic["topic_id"] for topic in row["topics"]} == set(range(len(row["topics"])))


@pytest.fixture(scope="module")
def found(finder):
    firms = (BIG, SMALL, FOUR, FIVE, SILENT)
    return {row["firm_id"]: row for row in rows_of(finder, *firms)}


# --- whole firms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [BIG, SMALL, FOUR, FIVE, SILENT], ids=lambda row: row["firm_id"])
def test_every_sentence_is_accounted_for(found, given):
    assert_accounted_for(found[given["firm_id"]], given)


def test_what_is_known_of_a_firm_is_handed_on(found):
    for name in ("firm_name", "permno", "gvkey", "link_date", "quarter", "n_calls"):
        assert found["BIG"][name] == BIG[name]


def test_large_and_small_firms_take_their_paths(found):
    assert (found["BIG"]["method"], found["SMALL"]["method"]) == ("umap+hdbscan", "linkage")
    assert found["BIG"]["status"] == found["SMALL"]["status"] == "done"
    assert len(found["SMALL"]["topics"]) >= 2
    assert found["BIG"]["embed_s"] > 0
    assert found["BIG"]["cluster_s"] > 0


def test_boilerplate_is_left_out_with_a_reason(found):
    row = found["BIG"]
    for place in (0, -1):
        assert row["topic_ids"][place] is None
        assert row["drop_reasons"][place] in ("procedure", "pleasantry")


def test_topics_bring_their_exemplars_keywords_and_quality(found):
    texts = {sentence["sentence_id"]: sentence["raw_text"] for sentence in BIG["sentences"]}
    for topic in found["BIG"]["topics"]:
        assert topic["exemplar_texts"] == [texts[i] for i in topic["exemplar_ids"]]
        assert set(topic["exemplar_ids"]) <= set(topic["sentence_ids"])
        assert topic["summary_source"] == "keywords"
        assert topic["names_firm"] is None
        assert topic["representation"].endswith(topic["exemplar_texts"][0])
        assert np.linalg.norm(topic["embedding"]) == pytest.approx(1.0, abs=1e-5)
    assert -1 <= found["BIG"]["npmi"] <= 1
    assert 0 < found["BIG"]["diversity"] <= 1


def test_a_firm_knows_the_words_that_name_it_and_its_speakers(finder):
    call = ["Thanks, Matt. We at Zyqora sell software.", *SENTENCES[:12], "The line of Vijay Rao with Example Bank."]
    given = firm("ZYQ", [call]) | {"firm_name": "Zyqora Power, Inc."}
    given["sentences"][0]["speaker_name"] = "Amy E. O'Hood"
    (row,) = rows_of(finder, given)
    assert row["own_names"] == sorted(row["own_names"])
    assert {"zyqora", "matt", "vijay", "rao", "amy", "o'hood", "ann"} <= set(row["own_names"])
    assert not {"power", "inc", "software", "freight"} & set(row["own_names"])


def test_a_firm_without_a_name_or_speakers_is_named_after_the_talk_alone(finder):
    given = firm("NONE", [SENTENCES[:12]]) | {"firm_name": None}
    for said in given["sentences"]:
        said["speaker_name"] = None
    assert rows_of(finder, given)[0]["own_names"] == []


@pytest.mark.parametrize("firm_id", ["FOUR", "SILENT"])
def test_a_firm_without_topics_needs_no_names(found, firm_id):
    assert found[firm_id]["own_names"] == []


def test_four_usable_sentences_are_too_few_and_five_are_enough(found):
    row = found["FOUR"]
    assert (row["status"], row["reason"]) == ("skipped", "4 usable sentences, fewer than 5")
    assert row["drop_reasons"][1:] == ["skipped"] * 4  # the first has a reason of its own
    assert row["drop_reasons"][0] in ("procedure", "pleasantry")
    assert found["FIVE"]["status"] == "done"


def test_a_firm_without_sentences_is_skipped(found):
    row = found["SILENT"]
    assert (row["status"], row["n_sentences"], row["topics"]) == ("skipped", 0, [])


def test_a_firm_gets_the_same_row_alone_and_among_others(finder, found):
    for given in (BIG, SMALL):
        alone = rows_of(finder, given)[0]
        assert without_seconds(alone) == without_seconds(found[given["firm_id"]])


def test_rows_stand_in_the_order_of_the_firms(finder):
    names = [row["firm_id"] for row in rows_of(finder, SILENT, FIVE, FOUR)]
    assert names == ["SILENT", "FIVE", "FOUR"]


def test_a_table_of_another_kind_is_refused(finder):
    with pytest.raises(SourceError, match="firms given to the topic finder"):
        finder(prefetch_table([FIVE]).drop(["gvkey"]))


# --- links ---------------------------------------------------------------------------------------------------------


def test_unlinked_firms_are_skipped_only_where_that_was_asked_for(finder):
    assert rows_of(finder, UNLINKED)[0]["status"] == "done"
    strict = copy.copy(finder)
    strict.linked_only = True
    row, linked = rows_of(strict, UNLINKED, FIVE)
    assert row["status"] == "skipped"
    assert "--keep-unlinked" in row["reason"]
    assert row["drop_reasons"] == ["unlinked"] * 12
    assert_accounted_for(row, UNLINKED)
    assert linked["status"] == "done"


# --- one bad firm --------------------------------------------------------------------------------------------------


class FragileEncoder:
    """The real encoder, except for one sentence."""

    def __init__(self, encoder, error):
        self._encoder, self._error = encoder, error

    def encode(self, texts):
        if POISON in texts:
            raise self._error
        return self._encoder.encode(texts)


def fragile(finder, error):
    broken = copy.copy(finder)
    broken.encoder = FragileEncoder(finder.encoder, error)
    return broken


def test_one_bad_firm_costs_one_firm(finder, found):
    bad = firm("BAD", [[BOILERPLATE, *SENTENCES[:9], POISON]])
    rows = rows_of(fragile(finder, RuntimeError("boom " * 100)), SMALL, bad, FIVE)
    assert [row["status"] for row in rows] == ["done", "failed", "done"]
    assert rows[1]["reason"].startswith("RuntimeError: boom")
    assert len(rows[1]["reason"]) == 200
    assert rows[1]["drop_reasons"][1:] == ["failed"] * 10
    assert_accounted_for(rows[1], bad)
    assert without_seconds(rows[0]) == without_seconds(found["SMALL"])


def test_a_firm_with_a_sentence_without_text_costs_one_firm(finder):
    torn = firm("TORN", [SENTENCES[:8]])
    torn["sentences"][3]["raw_text"] = None
    rows = rows_of(finder, torn, FIVE)
    assert [row["status"] for row in rows] == ["failed", "done"]
    assert_accounted_for(rows[0], torn)


@pytest.mark.parametrize("error", [SourceError("disk gone"), KeyboardInterrupt()])
def test_what_is_not_the_firms_fault_ends_the_batch(finder, error):
    with pytest.raises(type(error)):
        rows_of(fragile(finder, error), firm("BAD", [[*SENTENCES[:9], POISON]]))


# --- vectors of sentences ------------------------------------------------------------------------------------------


def keeping(finder):
    kept = copy.copy(finder)
    kept.keep_vectors = True
    return kept


def test_vectors_are_those_of_the_sentences_that_are_kept(finder, found):
    batch = keeping(finder).find(prefetch_table([BIG, FOUR, SMALL]))
    rows = batch.topics.to_pylist()
    assert [without_seconds(row) for row in rows] == [without_seconds(found[i]) for i in ("BIG", "FOUR", "SMALL")]
    expected = [
        (sentence["sentence_id"], sentence["raw_text"])
        for given, row in zip((BIG, FOUR, SMALL), rows, strict=True)
        for sentence, topic_id in zip(given["sentences"], row["topic_ids"], strict=True)
        if topic_id is not None
    ]
    assert batch.vectors["sentence_id"].to_pylist() == [sentence_id for sentence_id, _ in expected]
    small = SmallVectors.from_columns(batch.vectors["vector"], batch.vectors["scale"])
    vectors = finder.encoder.encode([text for _, text in expected])
    assert np.abs(small.numbers * small.scales[:, None] - vectors).max() < 0.002


def test_filler_topics_and_firms_that_fail_have_no_vectors(finder, freight):
    strict = keeping(with_classifier(finder, classifier(freight, -9.0, sentence_threshold=1.0)))
    batch = strict.find(prefetch_table([SMALL]))
    (row,) = batch.topics.to_pylist()
    assert "boilerplate_topic" in row["drop_reasons"]
    assert 0 < batch.vectors.num_rows == row["drop_reasons"].count(None)
    broken = keeping(fragile(finder, RuntimeError("boom")))
    broken.encoder.dim = finder.encoder.dim
    assert broken.find(prefetch_table([firm("BAD", [[*SENTENCES[:9], POISON]])])).vectors.num_rows == 0


def test_nobody_is_handed_vectors_unasked(finder):
    assert finder.find(prefetch_table([FOUR])).vectors is None


# --- boilerplate ---------------------------------------------------------------------------------------------------


def classifier(direction, bias, sentence_threshold=0.5, topic_threshold=0.5):
    """A real classifier whose only feature is likeness to a direction."""
    return BoilerplateClassifier("all-MiniLM-L6-v2", 20.0 * direction, bias, sentence_threshold, topic_threshold)


def with_classifier(finder, chosen):
    other = copy.copy(finder)
    other.classifier = chosen
    return other


@pytest.fixture(scope="module")
def freight(encoder):
    """The direction of talk about freight, which shall be boilerplate here."""
    mean = encoder.encode(SUBJECTS["freight"]).mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_filler_sentences_are_left_out_and_the_others_keep_their_places(finder, freight):
    row = rows_of(with_classifier(finder, classifier(freight, -9.0)), SMALL)[0]
    assert row["drop_reasons"] == ["boilerplate"] * 12 + [None] * 12
    assert_accounted_for(row, SMALL)
    assert "loans" in row["topics"][0]["representation"]


def test_filler_topics_are_left_out_whole_and_the_others_numbered_anew(finder, found, freight):
    before = found["SMALL"]
    assert "freight" in before["topics"][0]["keywords"]
    row = rows_of(with_classifier(finder, classifier(freight, -9.0, sentence_threshold=1.0)), SMALL)[0]
    was_freight = [topic_id == 0 for topic_id in before["topic_ids"]]
    assert [reason == "boilerplate_topic" for reason in row["drop_reasons"]] == was_freight
    assert [t["sentence_ids"] for t in row["topics"]] == [t["sentence_ids"] for t in before["topics"][1:]]
    assert_accounted_for(row, SMALL)


def test_a_firm_of_filler_topics_alone_is_done_without_topics(finder, freight):
    row = rows_of(with_classifier(finder, classifier(freight, 99.0, sentence_threshold=1.0)), SMALL)[0]
    assert (row["status"], row["topics"], row["npmi"], row["diversity"]) == ("done", [], None, None)
    assert_accounted_for(row, SMALL)


def test_a_firm_of_filler_sentences_alone_is_skipped(finder, freight):
    row = rows_of(with_classifier(finder, classifier(freight, 99.0)), SMALL)[0]
    assert (row["status"], row["reason"]) == ("skipped", "0 usable sentences, fewer than 5")
    assert row["drop_reasons"] == ["boilerplate"] * 24
    assert_accounted_for(row, SMALL)


def test_the_shipped_classifier_keeps_business_and_drops_filler():
    finder = FirmTopicFinder(EmbedSettings(precision="fp32"), TopicSettings(backend="cpu"))
    boilerplate = ["And so with that, I think we feel really good about where we are."] * 3
    row = rows_of(finder, firm("F", [[*SENTENCES[:24], *boilerplate]]))[0]
    assert row["drop_reasons"][:24].count(None) >= 22
    assert None not in row["drop_reasons"][24:]
