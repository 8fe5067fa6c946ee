"""A question finds what it means and what it says; filters come before the ranking; every hit leads on."""

import dataclasses
import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
from command import FTM, ftm, one_error_line
from invented import QUARTER, SUBJECTS
from published import NEXT, copy_run, with_theme_columns

import ftm_ray
from ftm_ray.errors import ConfigError
from ftm_ray.lake.runs import with_digest
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import published_records
from ftm_ray.results.search.hits import HITS, Hit
from ftm_ray.results.search.request import make_request
from ftm_ray.results.search.searcher import Searcher


def search(lake, question, among="topics", **options):
    return Searcher(lake, published_records(lake, ())).search(make_request(question, among, **options))


def subject_of(text):
    return next(subject for subject, texts in SUBJECTS.items() if any(said in text for said in texts))


# --- what is found -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("among", ["topics", "sentences"])
@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("containers on the sea", "freight"),
        ("paying people more so that they stay", "hiring"),
        ("borrowers default on their debts", "credit"),
    ],
)
def test_a_question_finds_what_it_means(searchable, among, question, subject):
    hits = search(searchable.lake, question, among, limit=3).hits
    assert [subject_of(hit.text) for hit in hits] == [subject] * 3
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_a_word_is_found_whatever_it_means(searchable):
    (hit,) = search(searchable.lake, "cape", "sentences", limit=1).hits
    assert "sail around the cape" in hit.text
    assert hit.word_rank == 1


def test_a_firm_is_found_by_its_name(searchable):
    found = search(searchable.lake, "F3 Corporation", limit=18)
    named = sorted((hit for hit in found.hits if hit.word_rank), key=lambda hit: hit.word_rank)
    assert {hit.firm_id for hit in named[:3]} == {"F3"}


def test_themes_are_found_with_their_sizes(searchable):
    (first, second) = search(searchable.lake, "wages", "themes").hits
    assert (first.theme_id, first.n_firms, first.firm_id) == (f"{QUARTER}-0002", 6, None)
    assert second.theme_id == f"{QUARTER}-0001"


def test_a_summary_finds_its_topic_first(searchable):
    topics = searchable.lake.read_folder(searchable.lake.table_dir("topics", QUARTER)).to_pylist()
    for topic in topics:
        (hit,) = search(searchable.lake, topic["representation"], limit=1).hits
        assert (hit.firm_id, hit.topic_id) == (topic["firm_id"], topic["topic_id"])


def test_the_order_by_meaning_is_that_of_exact_cosines(searchable, encoder):
    topics = searchable.lake.read_folder(searchable.lake.table_dir("topics", QUARTER)).to_pylist()
    cosines = np.array([topic["embedding"] for topic in topics]) @ encoder.encode(["rates of ocean carriers"])[0]
    expected = [(topics[row]["firm_id"], topics[row]["topic_id"]) for row in np.argsort(-cosines, kind="stable")]
    hits = sorted(search(searchable.lake, "rates of ocean carriers", limit=18).hits, key=lambda hit: hit.vector_rank)
    assert [(hit.firm_id, hit.topic_id) for hit in hits] == expected


# --- filters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("among", ["topics", "sentences"])
def test_firms_are_chosen_before_the_ranking(searchable, among):
    everything = search(searchable.lake, "freight", among, limit=100)
    found = search(searchable.lake, "freight", among, firms=("F1", "F4"), limit=100)
    assert {hit.firm_id for hit in found.hits} == {"F1", "F4"}
    assert found.n_searched == sum(hit.firm_id in ("F1", "F4") for hit in everything.hits)
    assert sorted(hit.vector_rank for hit in found.hits) == list(range(1, found.n_searched + 1))


def test_themes_of_a_firm_are_those_that_it_speaks_of(searchable):
    lake = searchable.lake
    members = lake.read_folder(lake.table_dir("theme_topics", QUARTER))
    lake.write_table(f"{lake.table_dir('theme_topics', QUARTER)}/part-00000.parquet", members.slice(1))
    hits = search(lake, "freight", "themes", firms=(members["firm_id"][0].as_py(),)).hits
    assert [hit.theme_id for hit in hits] == [f"{QUARTER}-0002"]


@pytest.mark.parametrize("among", ["themes", "topics", "sentences"])
def test_kinds_are_chosen_by_theme(searchable, among):
    with_theme_columns(searchable.lake, QUARTER, kind=["vague", "subject"])
    hits = search(searchable.lake, "freight", among, kinds=("subject",), limit=100).hits
    assert {hit.theme_id for hit in hits} == {f"{QUARTER}-0002"}


def test_a_filter_that_lets_nothing_through_by_its_nature_is_refused(searchable):
    with pytest.raises(ConfigError, match="no firm 'F9' in 2024Q1; firm ids are such as F0"):
        search(searchable.lake, "freight", firms=("F9",))
    with pytest.raises(ConfigError, match="have no kind"):
        search(searchable.lake, "freight", kinds=("subject",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"question": " "}, "the question is empty"),
        ({"question": "x", "among": "calls"}, "'calls' cannot be searched; there are themes, topics, sentences"),
        ({"question": "x", "among": "topics", "limit": 0}, "a limit of 0"),
    ],
)
def test_what_asks_for_nothing_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        make_request(**({"among": "topics"} | options))


# --- sentences -----------------------------------------------------------------------------------------------------


def test_sentences_that_were_left_out_are_not_found(searchable):
    found = search(searchable.lake, "and with that thank you", "sentences", limit=100)
    assert not [hit for hit in found.hits if "thank you" in hit.text]
    assert found.n_searched == 42


def test_without_vectors_sentences_are_found_by_topics_and_words_and_that_is_said(searchable_without):
    lake = searchable_without.lake
    found = search(lake, "paying people more so that they stay", "sentences", limit=3)
    assert found.by == "topics"
    assert {subject_of(hit.text) for hit in found.hits} == {"hiring"}
    (hit,) = search(lake, "cape", "sentences", limit=1).hits
    assert "sail around the cape" in hit.text
    shown = ftm("search", "freight", "--in", "sentences", "--root", lake.root).stdout
    assert "no vectors of their own" in " ".join(shown.split())


# --- several quarters, other encoders ------------------------------------------------------------------------------


def test_all_quarters_are_searched_as_one(searchable):
    lake = searchable.lake
    copy_run(lake, lake, searchable.run_id, NEXT)
    found = search(lake, "freight", limit=100)
    assert found.quarters == (QUARTER, NEXT)
    assert found.n_searched == 36
    assert sorted(hit.vector_rank for hit in found.hits) == list(range(1, 37))
    assert ftm("search", "freight", "--quarter", NEXT, "--root", lake.root).stdout.count(f"{QUARTER}") == 0


def test_quarters_of_two_encoders_are_refused(searchable):
    lake = searchable.lake
    copy_run(lake, lake, searchable.run_id, NEXT)
    change_encoder(lake, NEXT, searchable.run_id, "another")
    result = ftm("search", "freight", "--root", lake.root)
    assert result.exit_code == 2
    assert "2024Q1 was run with the encoder 'all-MiniLM-L6-v2', 2024Q2" in one_error_line(result)
    assert ftm("search", "freight", "--quarter", QUARTER, "--root", lake.root).exit_code == 0
    assert ftm_ray.open_results(lake.root).themes.aggregate("count(*)").fetchall() == [(4,)]


def change_encoder(lake, quarter, run_id, name):
    path = lake.run_file(quarter, run_id)
    record = lake.read_json(path)
    record["config"]["embed"]["model"] = name
    lake.write_json(path, with_digest(record))


def test_an_encoder_that_gives_other_vectors_is_refused(published):
    """The six firms of other tests have vectors of eight numbers."""
    with pytest.raises(ConfigError, match="have 8 numbers, the encoder 'all-MiniLM-L6-v2' gives 384"):
        search(published.lake, "freight")


def test_an_encoder_that_is_not_here_is_a_usage_error(searchable, tmp_path):
    change_encoder(searchable.lake, QUARTER, searchable.run_id, str(tmp_path / "gone"))
    result = ftm("search", "freight", "--root", searchable.lake.root)
    assert result.exit_code == 2
    assert "cannot load the sentence encoder" in one_error_line(result)


def test_a_quarter_without_themes_has_none_to_find(searchable):
    lake = searchable.lake
    for name in ("themes", "theme_topics"):
        path = f"{lake.table_dir(name, QUARTER)}/part-00000.parquet"
        lake.write_table(path, lake.read_table(path).slice(0, 0))
    assert search(lake, "freight", "themes").hits == ()
    assert "Nothing in 0 themes" in ftm("search", "freight", "--in", "themes", "--root", lake.root).stdout
    assert all("ftm sql" in hit.trace for hit in search(lake, "freight").hits)


def test_vectors_that_do_not_fit_the_sentences_are_a_source_error(searchable):
    path = f"{searchable.lake.table_dir('sentence_vectors', QUARTER)}/part-00000.parquet"
    searchable.lake.write_table(path, searchable.lake.read_table(path).slice(1))
    result = ftm("search", "freight", "--in", "sentences", "--root", searchable.lake.root)
    assert result.exit_code == 4
    assert "41 vectors for 42 sentences" in one_error_line(result)


# --- ways on -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("among", ["themes", "topics", "sentences"])
def test_every_hit_has_a_command_that_leads_to_what_was_spoken(searchable, among):
    found = json.loads(ftm("search", "office loans", "--in", among, "--json", "--root", searchable.lake.root).stdout)
    assert {field.name for field in dataclasses.fields(Hit)} == set(found["hits"][0]) == set(HITS.names)
    for hit in found["hits"][:4]:
        words = shlex.split(hit["trace"])
        result = ftm(*words[1:], "--json")
        assert result.exit_code == 0, result.stderr
        assert hit["text"].rpartition(": ")[2] in result.stdout


def test_a_firm_of_any_name_has_a_command_that_can_be_copied():
    from ftm_ray.results.search.hits import _way_on

    for firm_id in ("it's", 'a"b', "$HOME", "`id`", "a\\b"):
        words = shlex.split(_way_on("my lake", QUARTER, None, {"firm_id": firm_id, "topic_id": 3}))
        doubled = firm_id.replace("'", "''")
        assert words[2].endswith(f"WHERE firm_id = '{doubled}' AND topic_id = 3")
        assert words[3:] == ["--quarter", QUARTER, "--root", "my lake"]


def test_the_screen_shows_places_and_no_percentages(searchable):
    shown = ftm("search", "ocean freight", "--root", searchable.lake.root, "--limit", 3).stdout
    assert "1. by meaning" in shown
    assert "3 hits in 18 topics of 2024Q1" in shown
    assert "%" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines() if not line.startswith("    ftm"))


def test_text_from_calls_is_not_read_as_markup(searchable):
    lake, path = searchable.lake, f"{searchable.lake.table_dir('topics', QUARTER)}/part-00000.parquet"
    rows = lake.read_table(path)
    at = rows.schema.get_field_index("label")
    lake.write_table(path, rows.set_column(at, rows.schema.field(at), [["[bold]0[/nothing]"] * rows.num_rows]))
    assert "[bold]0[/nothing]" in ftm("search", "freight", "--root", lake.root).stdout


# --- notebooks, S3, speed ------------------------------------------------------------------------------------------


def test_a_notebook_gets_the_same_hits_as_a_relation(searchable):
    results = ftm_ray.open_results(searchable.lake.root)
    for _ in range(2):
        frame = results.search("ocean freight", "sentences", firms=["F0", "F1"], limit=4).df()
        assert list(frame.columns) == HITS.names
        expected = search(searchable.lake, "ocean freight", "sentences", firms=("F0", "F1"), limit=4).hits
        assert frame.sentence_id.to_list() == [hit.sentence_id for hit in expected]
    assert results.search("ocean freight").aggregate("count(*)").fetchall() == [(10,)]


def test_on_s3_the_same_is_found(searchable, s3, tmp_path):
    target = Lake(s3.root(f"search/{tmp_path.name}"))
    copy_run(searchable.lake, target, searchable.run_id, QUARTER)
    for among in ("themes", "topics", "sentences"):
        there, here = search(target, "ocean freight", among), search(searchable.lake, "ocean freight", among)
        assert [hit.text for hit in there.hits] == [hit.text for hit in here.hits]


def test_the_command_loads_nothing_heavy(searchable):
    code = FTM[-1].replace("main()", "sys.argv[1:] = ['search', 'freight', '--json', '--root', ROOT]; main()")
    code = f"import sys, atexit; ROOT = {searchable.lake.root!r}; atexit.register(lambda: print(sorted(\
{{'torch', 'pandas', 'duckdb', 'pydantic', 'scipy', 'sklearn', 'ray', 'boto3'}} & set(sys.modules)), \
file=sys.stderr)); {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["hits"]
    assert done.stderr.splitlines()[-1] == "[]"
