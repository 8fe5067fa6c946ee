"""Themes over quarters: which theme of this quarter is which of the last, and how much attention each gets.

`matching.py` says which are the same, `edges.py` what became of each, `registry.py` gives them ids that hold.
"""
