"""Broken configurations, word lists, returns, factors and files of sentiment."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from damages import BYTES, TABLES, attempt, bytes_damaged, damages, table_damaged
from hypothesis import given
from hypothesis import strategies as st

from ftm_ray.config import load_config
from ftm_ray.events.factors import read_factors
from ftm_ray.events.returns import read_returns
from ftm_ray.events.sentiment import read_sentiment
from ftm_ray.sentiment.word_list import read_word_list

CONFIG = b"""
workers = 2
keep_unlinked = true
[topics]
backend = "cpu"
boilerplate = "rules"
[themes]
min_firms = 3
[llm]
endpoint = "http://127.0.0.1:8000/v1"
model = "tiny"
max_concurrency = 8
[gates]
max_failed_ratio = 0.1
"""
WORDS = b"Word,Negative,Positive,Uncertainty\nDEMAND,0,2009,0\nCOST,2009,0,0\nMAYBE,0,0,2011\n"
PERMNOS = np.array([10001, 10002, 10003])
DAYS = [f"2024-01-{day:02d}" for day in range(2, 30)]
RETURNS = pa.table(
    {
        "permno": [int(permno) for permno in PERMNOS for _ in DAYS],
        "date": [day for _ in PERMNOS for day in DAYS],
        "ret": [0.001 * ((7 * n) % 19 - 9) for n in range(len(PERMNOS) * len(DAYS))],
        "prc": [20.0] * (len(PERMNOS) * len(DAYS)),
        "shrout": [1000.0] * (len(PERMNOS) * len(DAYS)),
        "vwretd": [0.001] * (len(PERMNOS) * len(DAYS)),
    }
)
OWN_FACTORS = pa.table(
    {"date": DAYS, "mktrf": [0.001] * len(DAYS), "smb": [0.0] * len(DAYS), "rf": [0.0001] * len(DAYS)}
)
FRENCH = b"This file was created by hand.\n\n,Mkt-RF,SMB,HML,RF\n" + b"".join(
    f"202401{day:02d},   0.10,  -0.20,   0.05,   0.02\n".encode() for day in range(2, 30)
)
TONES = pa.table(
    {
        "theme_id": ["2024Q1-0001"] * 4,
        "firm_id": ["F0", "F1", "F2", "F3"],
        "transcript_id": ["T0", "T1", "T2", "T3"],
        "score": [0.1, -0.2, 0.3, 1.0],
        "n_sentences": [3, 4, 5, 6],
        "knowledge_time": ["2024-04-01T00:00:00Z"] * 4,
    }
)


def csv_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pa_csv.write_csv(table, sink)
    return sink.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(name: str, content: bytes):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@given(damages=damages(BYTES))
def test_config(file, damages):
    attempt(lambda: load_config(file("config.toml", bytes_damaged(CONFIG, damages)), {}))


@given(damages=damages(BYTES))
def test_word_list(file, damages):
    attempt(lambda: read_word_list(file("words.csv", bytes_damaged(WORDS, damages))))


def check_panel(panel) -> None:
    """Days ascend, and a return is missing or a possible one."""
    if panel is not None:
        assert (np.diff(panel.days) > np.timedelta64(0)).all() if len(panel.days) > 1 else True
        there = panel.returns[~np.isnan(panel.returns)]
        assert np.isfinite(there).all() and (there >= -1).all()


def broken_table(file, name, table, kind, some):
    """A table with some damages: a CSV with other bytes, or Parquet with other rows."""
    if kind is BYTES:
        return file(f"{name}.csv", bytes_damaged(csv_of(table), some))
    path = file(f"{name}.parquet", b"")
    pq.write_table(table_damaged(table, some), path)
    return path


@pytest.mark.parametrize("kind", [BYTES, TABLES], ids=["csv", "rows"])
@given(data=st.data())
def test_returns(file, kind, data):
    path = broken_table(file, "returns", RETURNS, kind, data.draw(damages(kind)))
    check_panel(attempt(lambda: read_returns(path, PERMNOS)))


@pytest.mark.parametrize("kind", ["french", "csv", "rows"])
@given(data=st.data())
def test_factors(file, kind, data):
    some = data.draw(damages(TABLES if kind == "rows" else BYTES))
    if kind == "french":
        path = file("factors.csv", bytes_damaged(FRENCH, some))
    else:
        path = broken_table(file, "factors", OWN_FACTORS, TABLES if kind == "rows" else BYTES, some)
    factors = attempt(lambda: read_factors([path]))
    if factors is not None:
        assert len(factors.days) and all(len(values) == len(factors.days) for values in factors.values.values())
        assert not any(np.isinf(values).any() for values in factors.values.values())


@pytest.mark.parametrize("kind", [BYTES, TABLES], ids=["csv", "rows"])
@given(data=st.data())
def test_sentiment(file, kind, data):
    path = broken_table(file, "tones", TONES, kind, data.draw(damages(kind)))
    tones = attempt(lambda: read_sentiment(path))
    if tones is not None:
        assert all(-1 <= tone.score <= 1 for tone in tones.values())
