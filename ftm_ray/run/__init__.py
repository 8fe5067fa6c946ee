"""One quarter's run: a prefetched quarter in, published tables and run.json out.

`pipeline.py` is the only file that touches `ray.data`; what its actors do stands in `actors.py` as plain Python.
"""
