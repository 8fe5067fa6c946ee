"""LLM names: a topic or theme in, a label and a description that passed every guard out.

What was paid for is kept by the content of its question.
"""
