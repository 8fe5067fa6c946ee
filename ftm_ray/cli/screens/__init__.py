"""What a person sees of results, in words and tables that fit 80 columns; what they say is read elsewhere.

Text from transcripts is never read as rich's markup, and nothing is cut: long text wraps.
"""
