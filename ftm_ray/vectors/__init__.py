"""Texts in, unit vectors out; and what is done with unit vectors: neighbours, clusters, means."""
