"""Where the tests of files read and write."""

import pytest


@pytest.fixture
def root(tmp_path):
    return tmp_path / "lake"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "calls").mkdir()
    return tmp_path / "calls"
