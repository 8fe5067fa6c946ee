"""What a person asks for first: the list of themes."""

import pytest
from invented import QUARTER, SUBJECTS

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
