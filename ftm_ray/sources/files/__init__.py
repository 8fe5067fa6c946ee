"""Transcripts in your own files: Parquet, CSV or JSON Lines in, firms with their calls out."""
