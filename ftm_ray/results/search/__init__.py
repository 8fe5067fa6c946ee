"""A question in a person's words in, the themes, topics or sentences that are about it out, best first.

`request.py` is what is asked, `pools.py` what can be found in a quarter, `ranking.py` how two orders become one,
`hits.py` what a person gets, and `searcher.py` goes that way.
"""
