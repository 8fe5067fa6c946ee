"""Transcripts of WRDS: one login and two queries in, firms with their calls out; what came lies in the lake."""
