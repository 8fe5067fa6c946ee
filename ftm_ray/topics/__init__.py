"""One firm: its sentences in, its topics with keywords and quality out.

`finder.py` is the map's actor; `firm_topics.py` is the pure function inside it.
"""
