"""One quarter's run: a prefetched quarter in, published tables and run.json out.

`pipeline.py` reads as the run goes. It and `datasets.py` are the only two files that touch Ray's data and actors; what
the actors do stands in `actors.py` and `reduce.py` as plain Python.
"""
