"""Calls and daily returns in; abnormal returns, their tests, regressions and portfolios out.

`returns.py` and `factors.py` read the user's files, `day_zero.py` says on which trading day a call counts, `models.py`
estimates, `significance.py`, `regressions.py` and `portfolios.py` test, `study.py` puts them together.
"""
