"""Quarters are linked, what was known stays as it was, and readers see nothing from later than they ask for."""

import json
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from command import ftm, one_error_line
from invented import QUARTER
from llm_server import LlmServer, completion
from published import NEXT, copy_run, publish, with_theme_columns

import ftm_ray
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.runs import with_digest
from ftm_ray.lake.storage import Lake
from ftm_ray.results.theme_life import theme_life
from ftm_ray.results.theme_list import list_themes
from ftm_ray.results.verify.quarter import verify_quarter
from ftm_ray.run.lineage import extend_lineage
from ftm_ray.run.quarters import QuarterResult, link_quarter

AFTER = "2024Q3"


@pytest.fixture
def run(six_firms_run, config):
    """Two published quarters; the second says the same as the first."""
    run = publish(six_firms_run, config)
    copy_run(run.lake, run.lake, run.run_id, NEXT)
    return run


@pytest.fixture
def linked(run):
    extend_lineage(run.lake.root, [QUARTER, NEXT])
    return run


def published_as(run, quarter, run_id):
    """Publish a quarter as another run would: the same tables under another run_id."""
    lake = run.lake
    copy_run(lake, lake, run.run_id, quarter)
    record = lake.read_json(lake.run_file(quarter, run.run_id))
    path = f"{lake.table_dir('firms', quarter)}/part-00000.parquet"
    table = lake.read_table(path)
    at = table.schema.get_field_index("run_id")
    lake.write_table(path, table.set_column(at, table.schema.field(at), pa.array([run_id] * table.num_rows)))
    lake.write_json(lake.run_file(quarter, run_id), record | {"run_id": run_id})


def registry_bytes(lake):
    """All files of the registry with their content."""
    return {
        f"{table}/{folder}/{name}": lake.fingerprint(f"processed/{table}/{folder}/{name}")
        for table in ("lineage", "attention")
        for folder in lake.list_folders(f"processed/{table}")
        for name in lake.list_files(f"processed/{table}/{folder}")
    }


# --- the registry ----------------------------------------------------------------------------------------------------


def test_themes_that_go_on_keep_their_uid(linked):
    rows = ftm_ray.open_results(linked.lake.root).lineage.df()
    assert rows.theme_uid.tolist() == [f"U{QUARTER}-0001", f"U{QUARTER}-0002"] * 2
    assert rows.edge.tolist() == ["first_quarter"] * 2 + ["survive"] * 2
    assert rows.cosine.tolist()[2:] == pytest.approx([1.0, 1.0])
    assert rows.flow_in.tolist()[2:] == [1.0, 1.0]


def test_linking_again_changes_no_byte_and_says_that_it_was_there(linked):
    before = registry_bytes(linked.lake)
    steps = extend_lineage(linked.lake.root, [NEXT, QUARTER])
    assert [(step.quarter, step.added) for step in steps] == [(QUARTER, False), (NEXT, False)]
    assert registry_bytes(linked.lake) == before


def test_an_old_quarter_that_was_published_anew_makes_a_new_version_of_it_and_of_what_came_after(linked):
    before = registry_bytes(linked.lake)
    published_as(linked, QUARTER, f"{QUARTER}-another")
    steps = extend_lineage(linked.lake.root, [QUARTER])
    assert [(step.quarter, step.version, step.redone) for step in steps] == [(QUARTER, 2, True), (NEXT, 2, True)]
    after = registry_bytes(linked.lake)
    assert {name: after[name] for name in before} == before
    rows = ftm_ray.open_results(linked.lake.root).lineage.df()
    assert set(rows.theme_uid) == {f"U{QUARTER}-0001.2", f"U{QUARTER}-0002.2"}
    assert set(rows.registry_version) == {2}


def test_a_quarter_waits_for_the_one_before_it_that_was_published_anew(linked):
    published_as(linked, NEXT, f"{NEXT}-another")
    copy_run(linked.lake, linked.lake, linked.run_id, AFTER)
    with pytest.raises(SourceError, match=f"{NEXT} was published anew since it was linked; give it first"):
        extend_lineage(linked.lake.root, [AFTER])


def test_lineage_waits_for_a_gap_and_says_so(run):
    copy_run(run.lake, run.lake, run.run_id, AFTER)
    extend_lineage(run.lake.root, [QUARTER])
    with pytest.raises(SourceError, match=f"{AFTER} waits: .* ends with {QUARTER}, and {NEXT} would be skipped"):
        extend_lineage(run.lake.root, [AFTER])
    [step] = extend_lineage(run.lake.root, [AFTER], over_gaps=True)
    assert step.edges == {"survive": 2}


def test_another_encoder_is_refused(run):
    extend_lineage(run.lake.root, [QUARTER])
    path = run.lake.run_file(NEXT, run.run_id)
    record = run.lake.read_json(path)
    record["config"]["embed"]["model"] = "hub/another-encoder"
    run.lake.write_json(path, with_digest(record))
    with pytest.raises(ConfigError, match="another-encoder.*cannot be compared"):
        extend_lineage(run.lake.root, [NEXT])


def test_a_quarter_that_is_not_published_is_refused(run):
    with pytest.raises(SourceError, match=f"nothing of {AFTER} is published"):
        extend_lineage(run.lake.root, [AFTER])


# --- readers ---------------------------------------------------------------------------------------------------------


def test_sentiment_ready_gets_uid_and_knowledge_time_and_its_files_stay_as_they_are(linked):
    stored = linked.lake.read_table(linked.lake.sentiment_file(NEXT))
    assert "theme_uid" not in stored.column_names
    rows = ftm_ray.open_results(linked.lake.root, NEXT).sentiment_ready.to_arrow_table()
    assert rows.num_rows == stored.num_rows
    assert set(rows["theme_uid"].to_pylist()) == {f"U{QUARTER}-0001", f"U{QUARTER}-0002"}
    assert {str(moment)[:10] for moment in rows["knowledge_time"].to_pylist()} == {"2024-07-01"}


def test_without_lineage_sentiment_ready_has_no_uid_but_a_time(run):
    rows = ftm_ray.open_results(run.lake.root).sentiment_ready.to_arrow_table()
    assert rows["theme_uid"].null_count == rows.num_rows
    assert rows["knowledge_time"].null_count == 0


def test_as_of_shows_nothing_from_later(linked):
    root = linked.lake.root
    assert ftm_ray.open_results(root, as_of=date(2024, 6, 29)).quarters == (QUARTER,)
    assert ftm_ray.open_results(root, as_of=date(2024, 6, 30)).quarters == (QUARTER, NEXT)
    early = ftm_ray.open_results(root, as_of=date(2024, 4, 1))
    assert {
        row[0] for row in early.sql("SELECT quarter FROM lineage UNION SELECT quarter FROM attention").fetchall()
    } == {QUARTER}
    with pytest.raises(SourceError, match="no published quarter .* was over on 2024-03-30"):
        ftm_ray.open_results(root, as_of=date(2024, 3, 30))


def test_lineage_of_a_quarter_that_was_published_anew_is_left_out_with_a_word(linked, caplog):
    published_as(linked, NEXT, f"{NEXT}-another")
    rows = ftm_ray.open_results(linked.lake.root).lineage.df()
    assert set(rows.quarter) == {QUARTER}
    assert "published anew since it was linked" in caplog.text


def silent_firms(lake, quarter, theme_id, n):
    """As if so many firms of a theme had said nothing of it: their topics are gone."""
    inside = lake.read_folder(lake.table_dir("theme_topics", quarter), ["theme_id", "firm_id", "topic_id"]).to_pylist()
    gone = [(row["firm_id"], row["topic_id"]) for row in inside if row["theme_id"] == theme_id][:n]
    for name in ("topics", "theme_topics"):
        path = f"{lake.table_dir(name, quarter)}/part-00000.parquet"
        table = lake.read_table(path)
        keys = zip(table["firm_id"].to_pylist(), table["topic_id"].to_pylist(), strict=True)
        lake.write_table(path, table.filter(pa.array([key not in gone for key in keys])))


def test_themes_are_listed_by_surprise_where_there_is_a_past(run):
    silent_firms(run.lake, QUARTER, f"{QUARTER}-0002", 3)  # so more is said of the second theme now
    extend_lineage(run.lake.root, [QUARTER, NEXT])
    found = list_themes(run.lake, NEXT, 5)
    assert found.by == "surprise"
    assert [theme.theme_id for theme in found.themes] == [f"{NEXT}-0002", f"{NEXT}-0001"]
    assert found.themes[0].change >= 1 / 3 and found.themes[1].change == 0.0
    assert [theme.surprise for theme in found.themes] == pytest.approx([1.0, -1.0])
    by_size = list_themes(run.lake, NEXT, 5, "size").themes
    assert [theme.theme_id for theme in by_size] == [f"{NEXT}-0001", f"{NEXT}-0002"]
    with_theme_columns(run.lake, NEXT, stability=["stable", "unstable"])
    assert [theme.theme_id for theme in list_themes(run.lake, NEXT, 5).themes] == [f"{NEXT}-0001", f"{NEXT}-0002"]


def test_without_a_past_themes_are_listed_by_size_and_surprise_is_refused(linked):
    assert list_themes(linked.lake, QUARTER, 5).by == "size"
    with pytest.raises(SourceError, match="nothing is known of the quarter before"):
        list_themes(linked.lake, QUARTER, 5, "surprise")


def test_where_all_themes_change_alike_nothing_is_a_surprise(linked):
    found = list_themes(linked.lake, NEXT, 5)
    assert found.by == "size" and [theme.change for theme in found.themes] == [0.0, 0.0]
    assert [theme.theme_uid for theme in found.themes] == [f"U{QUARTER}-0001", f"U{QUARTER}-0002"]


def test_a_themes_life_is_found_by_any_of_its_ids(linked):
    life = theme_life(linked.lake, f"{NEXT}-0002")
    assert life == theme_life(linked.lake, f"U{QUARTER}-0002")
    assert [quarter.theme_id for quarter in life.quarters] == [f"{QUARTER}-0002", f"{NEXT}-0002"]
    assert all(len({s.firm for s in quarter.sentences}) == len(quarter.sentences) > 0 for quarter in life.quarters)
    with pytest.raises(ConfigError, match="there is no theme 2024Q1-0099"):
        theme_life(linked.lake, "2024Q1-0099")


def test_verify_checks_the_registry(linked):
    checks = {check.name: check for check in verify_quarter(linked.lake, NEXT)}
    assert not checks["lineage"].problems
    path = f"{linked.lake.table_dir('lineage', NEXT)}/version-00001.parquet"
    table = linked.lake.read_table(path)
    uids = pa.array(["U2020Q1-0001"] * table.num_rows)
    table = table.set_column(0, table.schema.field(0), uids)
    at = table.schema.get_field_index("theme_label")
    same = pa.array(["Oil"] * table.num_rows)
    linked.lake.write_table(path, table.set_column(at, table.schema.field(at), same))
    problems = {check.name: check for check in verify_quarter(linked.lake, NEXT)}["lineage"].problems
    assert "U2020Q1-0001 stands for 2 themes" in problems
    assert "2 themes are called 'Oil'" in problems
    assert any("was never seen before" in problem for problem in problems)


# --- quarters in a row ------------------------------------------------------------------------------------------------


def test_a_quarter_behind_one_that_failed_waits_and_is_linked_when_the_gap_is_filled(run, config):
    root = run.lake.root
    copy_run(run.lake, run.lake, run.run_id, AFTER)
    done = {quarter: QuarterResult(quarter, "published", 1.0, 0) for quarter in (QUARTER, NEXT, AFTER)}
    failed = QuarterResult(NEXT, "failed", 1.0, 4, reason="no transcripts")
    assert link_quarter(root, done[QUARTER], config) == done[QUARTER]
    assert link_quarter(root, failed, config) == failed
    waits = link_quarter(root, done[AFTER], config)
    assert (waits.status, waits.exit) == ("published", 4)
    assert f"not linked: {AFTER} waits" in waits.reason and f"{NEXT} would be skipped" in waits.reason
    assert [link_quarter(root, done[quarter], config).exit for quarter in (NEXT, AFTER)] == [0, 0]
    assert set(ftm_ray.open_results(root).lineage.df().quarter) == {QUARTER, NEXT, AFTER}


# --- names that hold --------------------------------------------------------------------------------------------------


def called_anew(lake, quarter, moved_by=0.0):
    """Publish the quarter's themes under other names, with all that was said in it moved in one direction."""
    path = f"{lake.table_dir('themes', quarter)}/part-00000.parquet"
    table = lake.read_table(path)
    labels = pa.array([f"{label} anew" for label in table["label"].to_pylist()])
    lake.write_table(path, table.set_column(table.schema.get_field_index("label"), "label", labels))
    path = f"{lake.table_dir('topics', quarter)}/part-00000.parquet"
    table = lake.read_table(path)
    vectors = np.array(table["embedding"].to_pylist(), dtype=np.float32)
    aside = np.random.default_rng(0).standard_normal(vectors.shape[1]).astype(np.float32)
    vectors += moved_by * aside / np.linalg.norm(aside)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    at = table.schema.get_field_index("embedding")
    moved = pa.array(list(vectors), table.schema.field(at).type)
    lake.write_table(path, table.set_column(at, table.schema.field(at), moved))


def names(root):
    rows = ftm_ray.open_results(root, NEXT).lineage.df()
    return list(zip(rows.edge, rows.naming, rows.theme_label, rows.quarter_label, rows.label_quarter, strict=True))


def test_a_theme_that_stays_where_it_was_keeps_its_name(run):
    called_anew(run.lake, NEXT)
    first, second = ftm_ray.open_results(run.lake.root, QUARTER).themes.df().label
    extend_lineage(run.lake.root, [QUARTER, NEXT])
    assert names(run.lake.root) == [
        ("survive", "held", first, f"{first} anew", QUARTER),
        ("survive", "held", second, f"{second} anew", QUARTER),
    ]
    listed = list_themes(run.lake, NEXT, 5, "size").themes
    assert [(theme.label, theme.quarter_label) for theme in listed] == [
        (first, f"{first} anew"),
        (second, f"{second} anew"),
    ]
    life = theme_life(run.lake, f"{NEXT}-0001")
    assert [(q.label, q.quarter_label, q.naming) for q in life.quarters] == [
        (first, first, "named"),
        (first, f"{first} anew", "held"),
    ]
    assert f"{first} anew" in ftm("lineage", f"{NEXT}-0001", "--root", run.lake.root).output


def test_a_theme_of_which_no_keyword_is_left_in_its_name_gets_the_name_of_its_quarter(run):
    path = f"{run.lake.table_dir('themes', NEXT)}/part-00000.parquet"
    table = run.lake.read_table(path)
    at = table.schema.get_field_index("keywords")
    others = pa.array([["tariffs", "duties"]] * table.num_rows, table.schema.field(at).type)
    run.lake.write_table(path, table.set_column(at, table.schema.field(at), others))
    called_anew(run.lake, NEXT)
    first, second = ftm_ray.open_results(run.lake.root, QUARTER).themes.df().label
    [_, step] = extend_lineage(run.lake.root, [QUARTER, NEXT])
    assert step.namings == {"renamed": 2}
    assert [label for _, _, label, *_ in names(run.lake.root)] == [f"{first} anew", f"{second} anew"]


def test_a_theme_that_has_moved_is_called_what_its_quarter_calls_it_where_no_llm_is_asked(run):
    called_anew(run.lake, NEXT, moved_by=1.0)
    first, second = ftm_ray.open_results(run.lake.root, QUARTER).themes.df().label
    [_, step] = extend_lineage(run.lake.root, [QUARTER, NEXT])
    assert step.namings == {"renamed": 2}
    assert names(run.lake.root) == [
        ("survive", "renamed", f"{first} anew", f"{first} anew", NEXT),
        ("survive", "renamed", f"{second} anew", f"{second} anew", NEXT),
    ]


def test_the_llm_is_asked_about_themes_that_have_moved_and_both_names_stand_in_the_lineage(run):
    called_anew(run.lake, NEXT, moved_by=1.0)
    first, second = ftm_ray.open_results(run.lake.root, QUARTER).themes.df().label

    def answer(_, request):
        is_first = f'Old name: "{first}"' in request["messages"][1]["content"]
        return completion(json.dumps({"answer": "keep" if is_first else "rename"}))

    with LlmServer(answer) as server:
        llm = ("--llm", server.url, "--llm-model", "tiny")
        output = ftm("lineage", QUARTER, NEXT, "--root", run.lake.root, *llm).output
        assert len(server.requests) == 2
    assert "1 kept, 1 renamed" in " ".join(output.split())
    assert names(run.lake.root) == [
        ("survive", "kept", first, f"{first} anew", NEXT),
        ("survive", "renamed", f"{second} anew", f"{second} anew", NEXT),
    ]


def test_an_llm_that_does_not_answer_leaves_the_quarter_unlinked(run, short_waits):
    called_anew(run.lake, NEXT, moved_by=1.0)
    with LlmServer(lambda *_: completion("I do not know.")) as server:
        result = ftm("lineage", QUARTER, NEXT, "--root", run.lake.root, "--llm", server.url)
    assert result.exit_code == 4
    assert "did not say keep or rename for 2 of 2 names" in one_error_line(result)
    assert set(ftm_ray.open_results(run.lake.root).lineage.df().quarter) == {QUARTER}


def test_lineage_serves_no_model_itself(run):
    result = ftm("lineage", QUARTER, "--root", run.lake.root, "--llm", "serve")
    assert result.exit_code == 2
    assert "ftm llm status" in one_error_line(result)


def test_a_registry_of_before_that_knew_no_names_is_read_and_goes_on(run):
    extend_lineage(run.lake.root, [QUARTER])
    path = f"{run.lake.table_dir('lineage', QUARTER)}/version-00001.parquet"
    columns = ["theme_label", "quarter_label", "naming", "label_quarter", "label_cosine"]
    run.lake.write_table(path, run.lake.read_table(path).drop_columns(columns))
    extend_lineage(run.lake.root, [NEXT])
    assert [row[:2] for row in names(run.lake.root)] == [("survive", "named")] * 2
    assert theme_life(run.lake, f"{NEXT}-0001").quarters[0].naming is None
    assert ftm_ray.open_results(run.lake.root).lineage.df().naming.isna().sum() == 2


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_links_and_shows_a_life(run):
    root = run.lake.root
    assert "2 went on" in ftm("lineage", QUARTER, NEXT, "--root", root).output
    shown = ftm("lineage", f"U{QUARTER}-0001", "--root", root).output
    assert "went on" in shown and "█" in shown and NEXT in shown
    life = json.loads(ftm("lineage", f"{NEXT}-0001", "--root", root, "--json").output)
    assert life["theme_uid"] == f"U{QUARTER}-0001"
    rows = json.loads(
        ftm("sql", "SELECT count(*) n FROM lineage", "--root", root, "--as-of", "2024-05-01", "--json").output
    )
    assert rows == [{"n": 2}]


def test_themes_that_go_on_without_a_firm_of_before_are_said_to_have_little_flow(run):
    for name in ("firms", "topics", "themes", "theme_topics", "sentences"):
        rename_firms(run.lake, f"{run.lake.table_dir(name, NEXT)}/part-00000.parquet")
    root = run.lake.root
    assert "2 went on with little flow" in " ".join(ftm("lineage", QUARTER, NEXT, "--root", root).output.split())
    shown = ftm("lineage", f"U{QUARTER}-0001", "--root", root).output
    assert "little flow: read both sides" in " ".join(shown.split())
    again = " ".join(ftm("lineage", NEXT, "--root", root).output.split())
    assert "linked before, unchanged; 2 went on with little flow" in again
    steps = json.loads(ftm("lineage", QUARTER, NEXT, "--root", root, "--json").output)
    assert [step["n_little_flow"] for step in steps] == [0, 2]


def rename_firms(lake, path):
    """Other firms, who say the same."""
    table = lake.read_table(path)
    for column in {"firm_id", "top_firms", "exemplar_topic_ids"} & set(table.column_names):
        at = table.schema.get_field_index(column)
        values = [
            f"other-{value}" if isinstance(value, str) else [f"other-{one}" for one in value]
            for value in table[column].to_pylist()
        ]
        table = table.set_column(at, table.schema.field(at), pa.array(values))
    lake.write_table(path, table)


def test_quarters_and_themes_do_not_mix(run):
    result = ftm("lineage", QUARTER, f"{QUARTER}-0001", "--root", run.lake.root)
    assert result.exit_code == 2
    assert "one theme at a time" in one_error_line(result)


def test_without_lineage_a_life_says_what_to_do(run):
    with pytest.raises(SourceError, match="no quarter is linked"):
        theme_life(Lake(run.lake.root), f"{QUARTER}-0001")
