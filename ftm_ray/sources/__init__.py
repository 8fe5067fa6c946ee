"""Where transcripts come from: files or WRDS, and the prefetch store they are written to."""
