"""Counts tokens as the model does, so that no prompt outgrows its bound."""

import logging
from functools import cache
from pathlib import Path
from typing import Protocol

logger = logging.getLogger(__name__)

#: English talk has 4.2 to 4.6 characters a token in the tokenizers of Qwen3 and its like; 3 errs on the safe side.
_CHARACTERS_PER_TOKEN = 3


class TokenCounter(Protocol):
    """Says how many tokens a text is."""

    def count(self, text: str) -> int:
        """Tokens of the text."""
        ...


class ModelTokenizer:
    """The model's own tokenizer, from a folder or the hub (tokenizer.json alone, no weights)."""

    def __init__(self, source: str) -> None:
        from huggingface_hub import hf_hub_download
        from tokenizers import Tokenizer

        folder = Path(source)
        file = str(folder / "tokenizer.json") if folder.is_dir() else hf_hub_download(source, "tokenizer.json")
        self._tokenizer = Tokenizer.from_str(Path(file).read_text(encoding="utf-8"))  # from_file raises no OSError
        self._tokenizer.no_truncation()  # a file may hold both, for batches of one length
        self._tokenizer.no_padding()

    def count(self, text: str) -> int:
        """Tokens of the text, without those that a chat template adds."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


class EstimatedTokens:
    """Stands in where a model's tokenizer cannot be had, as with closed models: counts rather too many."""

    def count(self, text: str) -> int:
        """Tokens of the text, estimated from its length."""
        return -(-len(text) // _CHARACTERS_PER_TOKEN)


@cache
def token_counter(source: str) -> TokenCounter:
    """The tokenizer of a model (folder or hub name), or an estimate where it is not to be had, which is said once."""
    why = "no hub knows it"  # a closed model, such as grok-4
    if "/" in source or Path(source).is_dir():
        try:
            return ModelTokenizer(source)
        except (OSError, ValueError) as error:  # the hub's errors are OSErrors; ValueError: not a name it could have
            why = type(error).__name__
    logger.warning(
        "no tokenizer for %s (%s): the length of its prompts is estimated from above, so they may hold fewer "
        "sentences; llm.tokenizer can name one",
        source,
        why,
    )
    return EstimatedTokens()
