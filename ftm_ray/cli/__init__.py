"""The `ftm` command: options in, screens, JSON and exit codes out.

It reads what a person typed, calls one function of a folder below, and shows what comes back.
"""
