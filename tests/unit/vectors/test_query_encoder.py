"""The encoder of questions gives what sentence-transformers gives, and does not need torch for it."""

import subprocess
import sys

import numpy as np
import pytest
from invented import SENTENCES

from ftm_ray.config import BUNDLED_ENCODER
from ftm_ray.errors import ConfigError
from ftm_ray.vectors.query_encoder import load_query_encoder

#: What questions and sentences may look like at worst.
ODD = [
    "",
    " ",
    ".",
    "?!",
    "a",
    "tariffs",
    "Tariffs on SUPPLIERS",
    "word " * 600,
    "antidisestablishmentarianism" * 40,
    "Umsatzrückgang in Düsseldorf, naïve façade, Ærøskøbing",
    "关税对供应商的影响",
    "サプライヤーへの関税",
    "тарифы для поставщиков",
    "रुपया और कर",
    "تعريفات على الموردين",
    "tariffs 🚢📈 on suppliers 🇺🇸",
    "zero\u200bwidth and\u00a0blank\ttab\nline",
    "R&D at AT&T: $1.2bn (+3.4%), U.S.-based, e.g. 'this'",
    "\x00 control \x07 signs",
    "é composed and e\u0301 combined",
]

#: tests/benchmarks/search_quality.py compares 1,000 real sentences.
TEXTS = [*ODD, *SENTENCES, *(" ".join(SENTENCES[n : n + 20]) for n in range(2))]


@pytest.fixture(scope="module")
def query_encoder():
    return load_query_encoder(BUNDLED_ENCODER)


def test_vectors_are_those_of_sentence_transformers(encoder, query_encoder):
    expected = encoder.encode(TEXTS)
    found = query_encoder.encode(TEXTS)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5


def test_a_vector_depends_on_its_text_alone(query_encoder):
    together = query_encoder.encode(SENTENCES[:3])
    assert np.array_equal(together[1], query_encoder.encode([SENTENCES[1]])[0])


def test_torch_is_not_loaded_for_the_bundled_encoder():
    code = (
        "import sys; from ftm_ray.vectors.query_encoder import load_query_encoder; "
        f"v = load_query_encoder({BUNDLED_ENCODER!r}).encode(['tariffs on suppliers']); assert v.shape == (1, 384); "
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'scipy', 'sklearn'} & set(sys.modules); "
        "sys.exit(','.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_another_encoder_goes_the_way_of_a_run(tmp_path):
    with pytest.raises(ConfigError, match="cannot load the sentence encoder"):
        load_query_encoder(str(tmp_path / "none"))
