"""Where transcripts come from: files or WRDS in, the prefetch store out.

Text is repaired, checked, cut into sentences and linked to stocks here, once.
"""
