"""A published quarter for each test of what reads it."""

import pytest
from published import publish


@pytest.fixture
def published(six_firms_run, config):
    return publish(six_firms_run, config)
