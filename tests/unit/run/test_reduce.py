"""The last step as a whole, over invented parts and real files."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from invented import (
    QUARTER,
    done_row,
    firm,
    part_table,
    run_files,
    six_firms,
    six_parts,
    write_six_firms,
    write_six_parts,
    write_store,
)
from llm_server import LlmServer, completion, error, named
from published import publish

from ftm_ray.config import LlmSettings, ThemeSettings
from ftm_ray.errors import QualityError
from ftm_ray.lake.published_files import read_published, read_published_folder
from ftm_ray.lake.storage import Lake
from ftm_ray.run import reduce
from ftm_ray.run.reduce import ThemePublisher, Workers
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.sentiment import SENTIMENT_READY
from ftm_ray.themes.fits import fits_here


@pytest.fixture
def run(six_firms_run):
    return six_firms_run


#: For few topics: the six on one subject are a theme, and cannot be cut into two of four.
FEW_TOPICS = ThemeSettings(min_cluster_size=4, max_theme_ratio=1.0)


@pytest.fixture
def small(config):
    """The shared configuration with settings for few topics."""
    return config.model_copy(update={"themes": FEW_TOPICS})


def published(lake):
    return {name: read_published_folder(lake, lake.table_dir(name, QUARTER), PUBLISHED[name]) for name in PUBLISHED}


def prints(lake, run):
    """Fingerprints of all published files."""
    names = [
        f"{lake.table_dir(name, QUARTER)}/{file}"
        for name in PUBLISHED
        for file in lake.list_files(lake.table_dir(name, QUARTER))
    ]
    names += [path for path in [lake.sentiment_file(QUARTER)] if lake.exists(path)]
    return {name: lake.fingerprint(name)["sha256"] for name in names}


def test_what_several_firms_talk_about_becomes_the_themes(run, small):
    report = ThemePublisher(small, "none").publish(run)
    tables = published(run.lake)
    themes = tables["themes"].to_pylist()
    assert [(theme["theme_id"], theme["n_firms"], theme["n_topics"]) for theme in themes] == [
        (f"{QUARTER}-{number:04d}", 6, 6) for number in (1, 2, 3)
    ]
    of_theme = {}
    for row in tables["theme_topics"].to_pylist():
        of_theme.setdefault(row["theme_id"], set()).add(row["topic_id"])
    assert sorted(of_theme.values()) == [{0}, {1}, {2}]
    assert report.firms_per_theme == [6, 6, 6]


def test_who_waits_is_told_what_the_publisher_is_at(run, small):
    seen = []

    def make_fits(data, fits, on_fit):
        def told(*counts):
            on_fit(*counts)
            seen.append(publisher.step())

        return fits_here(data, fits, told)

    publisher = ThemePublisher(small, "none", workers=Workers(make_fits))
    publisher.publish(run)
    assert len(seen) > 1
    assert seen == [f"clustering the topics of all firms: {n} of {len(seen)} fits" for n in range(1, len(seen) + 1)]
    assert publisher.step() == "writing the tables"


def test_all_counts_add_up(run, small):
    report = ThemePublisher(small, "none").publish(run)
    tables = published(run.lake)
    assert report.n_topics == tables["topics"].num_rows == 18
    assert report.n_topics_in_themes == tables["theme_topics"].num_rows
    outside = report.n_topics_outliers + sum(report.n_topics_in_invalid.values())
    assert report.n_topics_in_themes + outside == report.n_topics
    n_sentences = sum(tables["theme_topics"]["n_sentences"].to_pylist())
    assert sum(tables["themes"]["n_sentences"].to_pylist()) == n_sentences
    for theme in tables["themes"].to_pylist():
        rows = [row for row in tables["theme_topics"].to_pylist() if row["theme_id"] == theme["theme_id"]]
        assert theme["n_topics"] == len(rows)
        assert theme["n_firms"] == len({row["firm_id"] for row in rows})
        assert theme["cohesion"] == pytest.approx(np.mean([row["similarity"] for row in rows]))
        assert {f"{row['firm_id']}/{row['topic_id']}" for row in rows} >= set(theme["exemplar_topic_ids"])


def test_the_report_names_every_file_with_its_rows(run, small):
    report = ThemePublisher(small, "none").publish(run)
    assert set(report.rows) == set(prints(run.lake, run))
    assert all(run.lake.read_table(path).num_rows == n for path, n in report.rows.items())
    assert report.rows[run.table_path("sentences", 1)] == 24


def test_the_sentiment_table_has_one_stock_and_one_date_a_row(run, small):
    ThemePublisher(small, "none").publish(run)
    table = read_published(run.lake, run.lake.sentiment_file(QUARTER), SENTIMENT_READY)
    rows = table.to_pylist()
    assert {row["firm_id"] for row in rows} == {"F0", "F1", "F2", "F3"}
    keys = [(row["theme_id"], row["firm_id"], row["topic_id"], row["transcript_id"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        assert {s["sentence_id"].split("_")[1] for s in row["sentences"]} == {row["transcript_id"]}


def test_topics_that_are_only_near_are_marked_in_both_tables(run, small):
    publish(run, small)
    members = published(run.lake)["theme_topics"].to_pylist()
    marked = {(row["theme_id"], row["firm_id"], row["topic_id"]): row["is_near"] for row in members}
    assert {firm for (_, firm, _), is_near in marked.items() if is_near} == {"F2"}
    assert {firm for (_, firm, _), is_near in marked.items() if not is_near} == {"F0", "F1", "F3", "F4", "F5"}
    rows = read_published(run.lake, run.lake.sentiment_file(QUARTER), SENTIMENT_READY).to_pylist()
    assert {row["is_near"] for row in rows} == {False, True}
    assert all(row["is_near"] == marked[row["theme_id"], row["firm_id"], row["topic_id"]] for row in rows)


def test_publishing_twice_gives_the_same_bytes(run, small):
    ThemePublisher(small, "none").publish(run)
    before = prints(run.lake, run)
    ThemePublisher(small, "none").publish(run)
    assert prints(run.lake, run) == before


def test_other_batches_give_the_same_themes(run, small, tmp_path):
    ThemePublisher(small, "none").publish(run)
    lake = Lake(str(tmp_path / "other"))
    other = run_files(lake, write_six_firms(lake, groups=(1, 2, 3)), small)
    other = type(other)(lake, other.manifest, run.map_id, run.run_id)
    write_six_parts(other)
    ThemePublisher(small, "none").publish(other)
    for name in ("firms", "topics", "themes", "theme_topics"):
        assert run.lake.fingerprint(run.table_path(name)) == lake.fingerprint(other.table_path(name))
    assert published(lake)["sentences"].equals(published(run.lake)["sentences"])


def test_files_of_an_earlier_run_with_more_batches_are_removed(lake, small):
    for groups in ((2, 2, 2), (3, 3)):
        run = run_files(lake, write_six_firms(lake, groups), small)
        write_six_parts(run)
        report = ThemePublisher(small, "none").publish(run)
    assert lake.list_files(lake.table_dir("sentences", QUARTER)) == ["part-00000.parquet", "part-00001.parquet"]
    assert set(prints(lake, run)) == set(report.rows)


def test_a_source_without_links_gets_no_sentiment_table_and_loses_an_old_one(lake, small):
    for linked in (True, False):
        run = run_files(lake, write_six_firms(lake, linked=linked), small)
        write_six_parts(run)
        report = ThemePublisher(small, "none").publish(run)
        assert lake.exists(lake.sentiment_file(QUARTER)) is linked
        assert (lake.sentiment_file(QUARTER) in report.rows) is linked


# --- few or no topics ----------------------------------------------------------------------------------------------


def quarter_of(lake, config, firms, rows):
    run = run_files(lake, write_store(lake, [firms]), config)
    lake.write_table(run.part_path(run.manifest.batches[0]), part_table(rows))
    return run


def test_a_quarter_without_any_topic_is_published(lake, config):
    firms = [firm("A", [["One.", "Two."]]), firm("B", [["Three."]])]
    run = quarter_of(lake, config, firms, [done_row(firms[0], [-1, None], []), done_row(firms[1], [-1], [])])
    report = ThemePublisher(config, "none").publish(run)
    tables = published(lake)
    assert {name: table.num_rows for name, table in tables.items()} == {
        "firms": 2,
        "sentences": 3,
        "topics": 0,
        "themes": 0,
        "theme_topics": 0,
    }
    assert (report.n_topics, report.n_topics_in_themes, report.mean_cohesion) == (0, 0, None)
    assert lake.read_table(lake.sentiment_file(QUARTER)).num_rows == 0


def test_too_few_topics_for_themes_are_published_as_outliers(lake, config):
    run = quarter_of(lake, config, six_firms()[:2], six_parts(six_firms())[:2])
    report = ThemePublisher(config, "none").publish(run)
    assert published(lake)["themes"].num_rows == 0
    assert (report.n_topics, report.n_topics_outliers) == (6, 6)


# --- names of themes -----------------------------------------------------------------------------------------------


def test_without_an_llm_a_theme_is_called_by_its_words_and_a_sentence(run, small):
    ThemePublisher(small, "none").publish(run)
    said = {s["raw_text"] for row in six_firms() for s in row["sentences"]}
    themes = published(run.lake)["themes"].to_pylist()
    assert themes
    for theme in themes:
        assert theme["summary_source"] == "keywords"
        assert theme["label"] == ", ".join(theme["keywords"][:3])
        words, _, sentence = theme["description"].partition(": ")
        assert words == ", ".join(theme["keywords"][:5])
        assert sentence in said


def test_themes_without_an_llm_that_share_their_first_words_are_told_apart(run, small, monkeypatch):
    found = reduce.find_themes

    def same_keywords(*args):
        themes = found(*args)
        return replace(themes, themes=tuple(replace(theme, keywords=("costs",)) for theme in themes.themes))

    monkeypatch.setattr(reduce, "find_themes", same_keywords)
    report = ThemePublisher(small, "none").publish(run)
    assert published(run.lake)["themes"]["label"].to_pylist() == ["costs", "costs (2)", "costs (3)"]
    assert report.n_numbered_labels == 2


def first_keyword(body):
    return body["messages"][1]["content"].splitlines()[0].removeprefix("Keywords: ").split(", ")[0]


def described(label):
    return named(label, f"Firms speak of {label.removeprefix('On ').lower()} and pay more for it.", "description")


def by_keywords(_, body):
    """A label of its own for each theme."""
    return described("On " + first_keyword(body))


def publish_with_llm(lake, config, answer, write_parts=write_six_parts):
    """Publish the six firms with an LLM that answers like this; the server and the report."""
    with LlmServer(answer) as server:
        llm = LlmSettings(endpoint=server.url, model="tiny", max_attempts=1)
        config = config.model_copy(update={"llm": llm, "themes": FEW_TOPICS})
        run = run_files(lake, write_six_firms(lake), config)
        write_parts(run)
        report = ThemePublisher(config, "none").publish(run)
    return server, report


@pytest.fixture(scope="module")
def named_by_llm(tmp_path_factory, config):
    """Tables, server and report of a run whose LLM answers well."""
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    server, report = publish_with_llm(lake, config, by_keywords)
    return published(lake), server, report


def test_with_an_llm_themes_are_named_by_it(named_by_llm):
    tables, server, report = named_by_llm
    themes = tables["themes"].to_pylist()
    assert len(server.requests) == len(themes) == len(report.firms_per_theme) >= 2
    for theme in themes:
        assert (theme["label"], theme["description"]) == (
            f"On {theme['keywords'][0]}",
            f"Firms speak of {theme['keywords'][0]} and pay more for it.",
        )
        assert (theme["summary_source"], theme["llm_model"], theme["completion_tokens"]) == ("llm", "tiny", 7)
        assert theme["names_firm"] is False


def test_what_the_themes_cost_is_reported(named_by_llm):
    tables, server, report = named_by_llm
    n_themes, account = tables["themes"].num_rows, report.theme_account
    assert account.outcomes == {"named": n_themes}
    assert (account.n_requests, account.prompt_tokens) == (len(server.requests), 11 * n_themes)
    assert report.theme_prompt in server.shown
    assert report.n_numbered_labels == 0


def test_the_model_sees_what_the_exemplar_topics_are_called_and_how_the_nearest_themes(named_by_llm):
    tables, server, _ = named_by_llm
    texts = {row["representation"] for row in tables["topics"].to_pylist()}
    words = {", ".join(theme["keywords"][:3]) for theme in tables["themes"].to_pylist()}
    for shown in server.shown:
        head, _, summaries = shown.partition("\nSummaries:\n")
        keywords, _, *near = head.splitlines()
        quoted = [json.loads(line[2:]) for line in summaries.splitlines()]
        assert set(quoted) <= texts
        assert quoted
        own = ", ".join(keywords.removeprefix("Keywords: ").split(", ")[:3])
        assert {json.loads(line[2:]) for line in near} == words - {own}


def test_with_an_llm_themes_are_found_by_what_topics_are_called(named_by_llm):
    """Vectors of the representations, not the means of sentences: these have the encoder's length."""
    tables, _, _ = named_by_llm
    assert {len(v) for v in tables["topics"]["embedding"].to_pylist()} == {8}
    assert {len(v) for v in tables["themes"]["embedding"].to_pylist()} == {384}


def test_themes_that_the_llm_calls_the_same_are_told_apart_and_counted(lake, config):
    server, report = publish_with_llm(lake, config, lambda *_: described("Costs"))
    labels = published(lake)["themes"]["label"].to_pylist()
    assert labels == ["Costs", *(f"Costs ({number})" for number in range(2, len(labels) + 1))]
    n_same = len(labels) - 1
    assert report.n_numbered_labels == n_same > 0
    assert len(server.requests) == report.theme_account.n_requests == len(labels) + n_same


def test_a_theme_whose_words_name_one_of_its_firms_is_flagged(lake, config):
    """F3 is one of the six firms, and Ann Example speaks for all of them."""

    def answer(number, body):
        label = "Costs of F3" if number % 2 else "Plans of Example"
        return described(f"{label} {first_keyword(body)}")

    _, report = publish_with_llm(lake, config, answer)
    themes = published(lake)["themes"].to_pylist()
    assert [theme["names_firm"] for theme in themes] == [True] * len(themes)
    assert report.theme_account.n_again == len(themes) > 0


def test_a_firms_name_that_topics_use_as_a_word_flags_no_theme_that_begins_with_it(lake, config):
    """Two of the firms are called Price and Acme, and of a price a topic's summary speaks, too."""

    def write_parts(run):
        write_six_parts(run)
        for batch in run.manifest.batches:
            rows = run.lake.read_table(run.part_path(batch)).to_pylist()
            for row in rows:
                row["own_names"] = ["acme", "price"]
                for topic in row["topics"]:  # an LLM's words are compared with them, so they are as long
                    topic["embedding"] += [0.0] * (384 - len(topic["embedding"]))
            rows[0]["topics"][0] |= {"summary_source": "llm", "representation": "Firms report a higher price."}
            run.lake.write_table(run.part_path(batch), part_table(rows))

    def answer(number, body):
        return described(f"{'Price' if number % 2 else 'Acme'} {first_keyword(body)}")

    publish_with_llm(lake, config, answer, write_parts)
    themes = published(lake)["themes"].to_pylist()
    assert {theme["names_firm"] for theme in themes if theme["label"].startswith("Price")} == {False}
    assert {theme["names_firm"] for theme in themes if theme["label"].startswith("Acme")} == {True}


def test_themes_that_the_llm_cannot_name_stop_the_publication_and_say_why(lake, config):
    with pytest.raises(QualityError, match=r"described 0 of (\d) themes .*\(not_json \1\)"):
        publish_with_llm(lake, config, lambda *_: completion("prose"))
    assert not lake.list_files(lake.table_dir("themes", QUARTER))


def test_a_theme_named_by_keywords_says_so_where_the_gate_lets_it(lake, config):
    gates = config.gates.model_copy(update={"min_llm_ratio": 0.0})
    publish_with_llm(lake, config.model_copy(update={"gates": gates}), lambda *_: completion("prose"))
    themes = published(lake)["themes"].to_pylist()
    assert themes
    for theme in themes:
        assert theme["summary_source"] == "keywords"
        assert (theme["llm_model"], theme["names_firm"]) == (None, None)


def test_what_was_answered_before_the_gate_is_not_asked_again(lake, config):
    def one_fails(number, body):
        return error(500) if number == 1 else by_keywords(number, body)

    with pytest.raises(QualityError, match=r"\(named \d, server_error 1\)"):
        publish_with_llm(lake, config, one_fails)
    server, report = publish_with_llm(lake, config, by_keywords)
    assert len(server.requests) == 1
    assert report.theme_account.n_remembered == report.theme_account.n_questions - 1 > 0
    before = {name: table for name, table in published(lake).items() if name in ("themes", "theme_topics")}
    server, _ = publish_with_llm(lake, config, lambda *_: error(500))
    assert server.requests == []
    assert all(published(lake)[name].equals(table) for name, table in before.items())


def test_the_report_can_be_sent_as_json(run, small):
    report = ThemePublisher(small, "none").publish(run)
    assert json.loads(json.dumps(asdict(report)))["n_topics"] == 18
    assert {"themes", "describe_themes", "write"} <= report.seconds.keys()
