"""Fixtures of all tests. The environment is set before anything imports numpy, numba or the hub's client."""

import os

os.environ.update(
    NUMBA_THREADING_LAYER="workqueue",  # Intel's OpenMP and torch's fight over threads
    OMP_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",  # no test may download
    TOKENIZERS_PARALLELISM="false",
)

import numpy as np
import pytest
from invented import SENTENCES, cleaned, write_six_firms, write_six_parts

from ftm_ray.config import EmbedSettings, LlmSettings, RunConfig, TopicSettings
from ftm_ray.storage import Lake

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
def finder():
    """The map's worker with the bundled encoder: loaded, and UMAP compiled, once for all tests."""
    from ftm_ray.firms import FirmTopicFinder

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
