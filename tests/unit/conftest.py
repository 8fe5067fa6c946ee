"""Fixtures of the unit tests."""

import os
from pathlib import Path

import certifi
import pytest


@pytest.fixture(scope="session", autouse=True)
def few_certificates(tmp_path_factory):
    """A client of an endpoint reads all certificates of the world, 20 ms of work; there are hundreds of clients here.

    The servers of the unit tests speak plain HTTP, so one certificate is as good.
    """
    end = "-----END CERTIFICATE-----\n"
    first = Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end
    file = tmp_path_factory.mktemp("certificates") / "one.pem"
    file.write_text(first, encoding="utf-8")
    os.environ["SSL_CERT_FILE"] = str(file)
    yield
    del os.environ["SSL_CERT_FILE"]
