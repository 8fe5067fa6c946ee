"""UMAP's compiled code outlives the process, and changes no byte."""

import subprocess
import sys

import pytest

FIT = """
import hashlib, logging, sys
logging.basicConfig(level=logging.INFO)
import umap  # with its own libraries from their own caches
from numba import config
from numba.core.caching import CacheImpl
from umap import layouts
from ftm_ray.vectors.clustering import ClusterSettings, cluster
from ftm_ray.vectors.unit_vectors import random_vectors

config.CACHE_DIR = sys.argv[1]
if sys.argv[1] == "nowhere":
    CacheImpl._locator_classes = []  # what numba finds where neither library nor home can be written
labels = cluster(random_vectors(60, 8), ClusterSettings(5, 2, 0.01, 20, 3, 1, "leaf", 42))
stats = layouts._nb_optimize_layout_euclidean_single_epoch.stats
print(hashlib.sha256(labels.tobytes()).hexdigest(), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def fitted(folder):
    """Digest of the labels, whether the kernel came from the cache, whether it was compiled for it; and the log."""
    done = subprocess.run([sys.executable, "-c", FIT, str(folder)], capture_output=True, text=True, check=True)
    digest, hits, misses = done.stdout.split()
    return digest, int(hits), int(misses), done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="module")
def first(folder):
    return fitted(folder)


def test_a_second_process_compiles_nothing_and_finds_the_same(folder, first):
    second = fitted(folder)
    assert first[1] == 0
    assert second[1] == 1
    assert first[0] == second[0]
    assert "numba can keep nothing" not in first[3] + second[3]


def test_where_nothing_can_be_kept_it_works_as_before_and_says_so(first):
    digest, hits, misses, log = fitted("nowhere")
    assert (hits, misses) == (0, 1)
    assert "numba can keep nothing" in log
    assert digest == first[0]
