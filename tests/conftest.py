"""Fixtures of all tests. The environment is set before anything imports numpy, numba or the hub's client."""

import os

os.environ.update(
    NUMBA_THREADING_LAYER="workqueue",  # Intel's OpenMP and torch's fight over threads
    OMP_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",  # no test may download
    TOKENIZERS_PARALLELISM="false",
    NO_PROXY="127.0.0.1,localhost",  # servers of tests are on this machine
)

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from invented import SENTENCES, cleaned, write_six_firms, write_six_parts
from s3_server import credentials, serve

from ftm_ray.config import EmbedSettings, LlmSettings, RunConfig, TopicSettings
from ftm_ray.lake.storage import Lake
from ftm_ray.naming import waits

#: fp32, so that results do not depend on the processor's bf16; rules, so that no trained weights are needed.
CONFIG = RunConfig(
    embed=EmbedSettings(precision="fp32"),
    topics=TopicSettings(boilerplate="rules", backend="cpu"),
    llm=LlmSettings(endpoint="none"),
)


@pytest.fixture(scope="session")
def config():
    """A configuration that gives the same on every processor."""
    return CONFIG


@pytest.fixture
def lake(tmp_path):
    """An empty lake in a local folder."""
    return Lake(str(tmp_path / "lake"))


@pytest.fixture(scope="session")
def wrds_server():
    """A PostgreSQL with the tables of WRDS, empty; up in a second.

    Not in pytest's folder: each new pytest closes that to other users, and PostgreSQL does not run as root.
    """
    from standin import Standin

    with TemporaryDirectory(prefix="ftm-wrds-") as folder:
        standin = Standin(Path(folder))
        yield standin
        standin.stop()


@pytest.fixture
def wrds_cases(wrds_server, monkeypatch):
    """The stand-in with one firm per odd case, and the environment that leads to it."""
    from standin import Seed, seed_cases

    seed = Seed()
    seed_cases(seed)
    seed.write(wrds_server, replace=True)
    for name, value in wrds_server.environment.items():
        monkeypatch.setenv(name, value)
    return wrds_server


@pytest.fixture(scope="session")
def finder():
    """The map's worker with the bundled encoder: loaded, and UMAP compiled, once for all tests."""
    from ftm_ray.topics.finder import FirmTopicFinder

    return FirmTopicFinder(CONFIG.embed, CONFIG.topics)


@pytest.fixture(scope="session")
def encoder(finder):
    """The bundled sentence encoder, in fp32."""
    return finder.encoder


@pytest.fixture(scope="session")
def embeddings(encoder):
    """(60, 384): the vectors of all invented sentences."""
    vectors = encoder.encode(SENTENCES)
    vectors.flags.writeable = False  # shared: no step may change its input
    return vectors


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    """A folder with a real tokenizer.json: byte pairs as in Qwen's, learned from the invented sentences."""
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator([*SENTENCES, *SENTENCES], vocab_size=2000, min_frequency=2, show_progress=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def short_waits(monkeypatch):
    """The same waits as ever, fifty times shorter."""
    monkeypatch.setattr(waits, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(waits, "LONGEST_WAIT_S", 0.04)


@pytest.fixture(scope="session")
def cleaned_texts():
    """The invented sentences as words for keywords."""
    return [cleaned(text) for text in SENTENCES]


@pytest.fixture
def blobs():
    """Make (n, dim) unit vectors in tight groups: `blobs([10, 5])` are two groups."""

    def make(sizes, dim=16, spread=0.1, seed=0):
        rng = np.random.default_rng(seed)
        vectors = np.concatenate(
            [np.eye(dim)[axis] + spread * rng.standard_normal((size, dim)) for axis, size in enumerate(sizes)]
        )
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    return make


@pytest.fixture
def six_firms_run(lake, config):
    """A lake with the six invented firms, their parts written, nothing published yet."""
    from invented import run_files

    run = run_files(lake, write_six_firms(lake), config)
    write_six_parts(run)
    return run


@pytest.fixture(scope="session")
def s3_process():
    """An S3 server on this machine, started where a test first asks for it."""
    yield from serve()


@pytest.fixture
def s3(s3_process, monkeypatch):
    """The S3 server without faults and with nothing recorded; the usual AWS settings lead to it."""
    s3_process.calls.clear()
    s3_process.faults.clear()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in credentials(s3_process, "tester").items():
        monkeypatch.setenv(name, value)
    return s3_process
