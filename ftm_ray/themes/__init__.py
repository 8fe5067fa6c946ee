"""All firms: their topics in, themes that several firms share out.

`finder.py` clusters; `validity.py` says which clusters are themes, `theme_keywords.py` how they are worded.
"""
