"""All firms: their topics in, themes that several firms share out."""
