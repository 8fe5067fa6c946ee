"""A language model of 1 MB whose words mean nothing: real vLLM can serve it within a minute, without any download.

    python tests/tiny_model.py FOLDER

It has Qwen3's architecture (2 layers, 128 wide), Qwen3's way of marking turns and of switching thinking off, and a
vocabulary of 2,000 tokens made from the project's sample calls. The weights are random, but for one thing: a text is
some words of business talk, and ends. So it fills a JSON form as a real model does, where wholly random weights never
close a quotation mark. The same seed gives the same model.
"""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import ftm_ray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

_WIDTH = 128
_N_TOKENS = 2000

_END, _TURN, _TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

#: What Qwen3's own template comes to for messages without tools.
_CHAT_TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\n\n</think>\n\n' }}
{%- endif %}
{%- endif %}"""

#: A text is a walk: every word has a place between -1 and 1, and the next word stands about a step further on. At the
#: end stands the quotation mark. So every text ends after some words, as no word can come twice.
_STEP = 0.35
_PLACE_OF_QUOTE = 1.25
_PLACE_OF_OTHERS = -4.0  # no text gets there: single letters, numbers, names

#: How much a step of the right length counts against what the random weights would say.
_FIRMNESS = 250.0


def make_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write the model to a folder, as vLLM and transformers read it.

    Args:
        folder: Made where it is missing.
        seed: Of the random weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    _model(tokenizer, seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> "PreTrainedTokenizerFast":
    """Byte-level BPE, so that any text can be written, trained on the sample calls."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_N_TOKENS,
        special_tokens=[_END, _TURN, _TURN_END, "<think>", "</think>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_sample_texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=_TURN_END, pad_token=_END, chat_template=_CHAT_TEMPLATE
    )


def _sample_texts() -> list[str]:
    files = sorted((Path(ftm_ray.__file__).parent / "sample_calls").glob("*.jsonl"))
    return [json.loads(line)["text"] for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def _model(tokenizer: "PreTrainedTokenizerFast", seed: int) -> "Qwen3ForCausalLM":
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.convert_tokens_to_ids(_TURN_END),
        pad_token_id=tokenizer.convert_tokens_to_ids(_END),
        bos_token_id=None,
        initializer_range=0.1,
    )
    model = Qwen3ForCausalLM(config)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.q_norm.weight.fill_(3.0)  # looks closely at some words of the prompt: answers differ
            layer.self_attn.o_proj.weight.mul_(4.0)
        _make_it_walk(model, tokenizer)
    return model.to(torch.bfloat16)


def _make_it_walk(model: "Qwen3ForCausalLM", tokenizer: "PreTrainedTokenizerFast") -> None:
    """Let the next word's place be about a step after the last word's.

    Two of the 128 numbers that stand for a state are kept from the layers: a constant, and the last word's place p.
    The head makes 2q(p + step) - q^2 of them for a word with place q, which is largest at q = p + step.
    """
    import torch

    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    words = {word for text in _sample_texts() for word in text.split() if word.isalpha() and word.islower()}
    is_word = torch.tensor([token[0] == "Ġ" and token[1:] in words and len(token) > 4 for token in tokens])
    place = torch.where(is_word, 2 * torch.rand(len(tokens)) - 1, _PLACE_OF_OTHERS)
    place[tokens.index('"')] = _PLACE_OF_QUOTE

    embedding, head = model.model.embed_tokens.weight, model.lm_head.weight
    embedding.normal_()
    embedding[:, 0] = 8.0
    embedding[:, 1] = 8.0 * torch.where(is_word, place, -1.0)  # after anything else a text begins
    head[:, 0] = _FIRMNESS / 8 * (2 * _STEP * place - place**2)
    head[:, 1] = _FIRMNESS / 8 * 2 * place
    for layer in model.model.layers:
        layer.self_attn.o_proj.weight[:2] = 0.0
        layer.mlp.down_proj.weight[:2] = 0.0


if __name__ == "__main__":
    logging.getLogger("transformers").setLevel(logging.ERROR)
    print(make_tiny_model(Path(sys.argv[1])))
