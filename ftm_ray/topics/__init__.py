"""One firm: its sentences in, its topics with keywords and quality out.

`finder.py` is the map's work on a batch of firms; `firm_topics.py` is the pure function inside it.
"""
