"""What a person asks for first: the list of themes."""

import pytest
from invented import QUARTER, SUBJECTS
from published import with_theme_columns

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.results.theme_list import list_themes


def test_themes_are_listed_with_their_firms_by_name(published):
    found = list_themes(published.lake, QUARTER, top=20)
    assert [theme.theme_id for theme in found.themes] == ["2024Q1-0001", "2024Q1-0002"]
    freight = found.themes[0]
    assert (freight.n_firms, freight.n_topics) == (6, 6)
    assert {firm.firm_name for firm in freight.top_firms} == {f"F{number} Corporation" for number in range(6)}


def test_the_example_is_a_sentence_on_the_theme_with_its_speaker(published):
    freight = list_themes(published.lake, QUARTER, top=20).themes[0]
    assert freight.example.text in SUBJECTS["freight"]
    assert freight.example.speaker_name == "Ann Example"


def test_top_shortens_the_list_but_not_the_count(published):
    found = list_themes(published.lake, QUARTER, top=1)
    assert (len(found.themes), found.n_themes) == (1, 2)


def test_nothing_published_says_what_to_run(tmp_path):
    with pytest.raises(SourceError, match=f"ftm run {QUARTER} --root"):
        list_themes(Lake(str(tmp_path)), QUARTER, top=20)


def test_subjects_come_before_talk_of_results_and_all_are_counted(published):
    with_theme_columns(published.lake, QUARTER, kind=["results", "subject"])
    found = list_themes(published.lake, QUARTER, top=1)
    assert [theme.theme_id for theme in found.themes] == ["2024Q1-0002"]
    assert found.n_of_kind == {"subject": 1, "results": 1, "vague": 0}


def test_a_theme_that_other_seeds_hardly_find_again_comes_after_the_others_of_its_kind(published):
    with_theme_columns(published.lake, QUARTER, stability=["unstable", "doubtful"], kind=["subject", "subject"])
    found = list_themes(published.lake, QUARTER, top=1)
    assert [theme.theme_id for theme in found.themes] == ["2024Q1-0002"]
    with_theme_columns(published.lake, QUARTER, kind=["subject", "results"])
    found = list_themes(published.lake, QUARTER, top=1)
    assert [theme.theme_id for theme in found.themes] == ["2024Q1-0001"]  # but before those of the next kind


def test_the_most_stable_themes_come_first_where_that_is_asked(published):
    with_theme_columns(published.lake, QUARTER, stability_seeds=[0.5, 0.9])
    ids = {by: [t.theme_id for t in list_themes(published.lake, QUARTER, 2, by).themes] for by in ("size", "stability")}
    assert ids == {"size": ["2024Q1-0001", "2024Q1-0002"], "stability": ["2024Q1-0002", "2024Q1-0001"]}


def test_themes_of_an_earlier_version_have_no_kind_and_are_listed_all_the_same(published):
    path = f"{published.lake.table_dir('themes', QUARTER)}/part-00000.parquet"
    later = ["kind", "stability_seeds", "stability_firms", "stability", "group_id", "group_label"]
    published.lake.write_table(path, published.lake.read_table(path).drop(later))
    found = list_themes(published.lake, QUARTER, top=20)
    assert [theme.kind for theme in found.themes] == [None, None]
    assert found.n_of_kind == {}
