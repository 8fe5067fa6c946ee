"""A BERT of 100 kB that says of two texts whether one follows from the other, with random weights: its words mean
nothing, but it is loaded, asked and cut to length like a real one."""

import string
from pathlib import Path

NLI_LABELS = ("contradiction", "entailment", "neutral")


def make_tiny_classifier(folder: Path, labels: tuple[str, ...] = NLI_LABELS) -> Path:
    """Write the model and its tokenizer, which knows single letters, to a folder."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    signs = [*string.ascii_lowercase, *string.digits, *".,%-$'"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *signs, *(f"##{sign}" for sign in signs)]
    BertTokenizerFast(vocab={word: number for number, word in enumerate(vocabulary)}).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.5,  # so that answers differ
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder
