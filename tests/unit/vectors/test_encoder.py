"""Sentences become vectors: the model's own, one per sentence, whatever stands beside them."""

import numpy as np
import pytest

from ftm_ray.config import EmbedSettings
from ftm_ray.errors import ConfigError
from ftm_ray.vectors.encoder import SentenceEncoder

TEXTS = [
    "Freight rates went up.",
    "Our net interest margin narrowed by ten basis points because deposits repriced faster than loans did.",
    "Yes.",
    "We drilled twelve wells in the basin and brought nine of them into production.",
    "Freight rates went up.",
]


def test_vectors_are_those_of_the_librarys_own_loop(encoder):
    reference = encoder._model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert encoder.encode(TEXTS) == pytest.approx(reference, abs=1e-5)


def test_bf16_on_a_processor_takes_plain_attention_and_stays_near_fp32(encoder):
    in_bf16 = SentenceEncoder(EmbedSettings(precision="bf16"))
    assert in_bf16._model[0].auto_model.config._attn_implementation == "eager"
    assert encoder._model[0].auto_model.config._attn_implementation == "sdpa"
    assert (in_bf16.encode(TEXTS) * encoder.encode(TEXTS)).sum(axis=1).min() > 0.999


def test_vectors_stand_in_the_order_of_the_sentences(encoder):
    order = [3, 0, 2, 1]
    assert encoder.encode([TEXTS[i] for i in order]) == pytest.approx(encoder.encode(TEXTS)[order], abs=1e-5)


def test_vectors_are_unit_float32(encoder, embeddings):
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (60, encoder.dim)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_encoding_twice_gives_the_same_bytes(encoder):
    assert encoder.encode(TEXTS).tobytes() == encoder.encode(TEXTS).tobytes()


def test_batches_may_be_smaller_than_the_firm(encoder, monkeypatch):
    whole = encoder.encode(TEXTS)
    monkeypatch.setattr(encoder, "settings", EmbedSettings(precision="fp32", batch_size=2))  # 5 is no multiple of 2
    assert encoder.encode(TEXTS) == pytest.approx(whole, abs=1e-5)


def test_no_sentences_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, encoder.dim)


@pytest.mark.parametrize("text", ["", " ", "\u4f60\u597d", "word " * 600])
def test_odd_sentences_get_a_vector_too(encoder, text):
    vectors = encoder.encode([text, TEXTS[0]])
    assert np.isfinite(vectors).all()
    assert vectors[1] == pytest.approx(encoder.encode(TEXTS[:1])[0], abs=1e-5)


def test_sentences_of_one_meaning_lie_closer_than_others(encoder):
    said, meant, other = encoder.encode(["Shipping got more expensive.", TEXTS[0], TEXTS[3]])
    assert said @ meant > 0.5 > said @ other + 0.2


def test_what_is_cut_off_at_the_models_limit_changes_nothing(encoder):
    long = "freight " * encoder._model.max_seq_length
    one, other = encoder.encode([long + "wages"]), encoder.encode([long + "oil wells"])
    assert one == pytest.approx(other, abs=1e-6)


@pytest.mark.parametrize("model", ["no-such-organisation/no-such-model", "/no/such/folder"])
def test_a_model_that_is_not_there_is_a_configuration_error(model):
    with pytest.raises(ConfigError, match=f"cannot load the sentence encoder '{model}'"):
        SentenceEncoder(EmbedSettings(model=model))


@pytest.fixture(scope="module")
def static_folder(tmp_path_factory):
    """A static encoder as sentence-transformers writes it: random vectors of words, in half precision."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = sorted({word for text in TEXTS for word in text.rstrip(".").split()})
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token=None))
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.random.default_rng(0).standard_normal((len(words), 32)).astype(np.float16)
    folder = tmp_path_factory.mktemp("static")
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save(str(folder))
    return str(folder), dict(zip(words, weights.astype(np.float32), strict=True))


def test_a_static_encoder_gives_the_mean_of_the_words(static_folder):
    folder, vector_of = static_folder
    encoder = SentenceEncoder(EmbedSettings(model=folder))
    vectors = encoder.encode(["Freight rates", "wells", "Freight rates went up"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dim) == (3, 32)
    mean = (vector_of["Freight"] + vector_of["rates"]) / 2
    assert vectors[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-3)
    assert encoder.encode(["wells"]).tobytes() == vectors[1:2].tobytes()  # whatever stands beside it


def test_a_static_encoder_gives_unit_vectors_to_texts_without_words(static_folder):
    encoder = SentenceEncoder(EmbedSettings(model=static_folder[0]))
    vectors = encoder.encode(["", " ", "wells"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (vectors[0] == vectors[1]).all() and vectors[0] @ vectors[2] < 0.9
