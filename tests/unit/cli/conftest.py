"""Fixtures of the command's tests."""

import pytest
from published import publish


@pytest.fixture
def published(six_firms_run, config):
    """The six invented firms, published."""
    return publish(six_firms_run, config)
