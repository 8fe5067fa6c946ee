"""What was said in which tone: sentences in, probabilities by a classifier and counts by a word list out.

Models and word lists are the user's; none is shipped (docs/sentiment.md).
"""
