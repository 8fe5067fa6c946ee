"""The commands, in files by what they are for; each reads its options, calls one function, and shows what it returns.

A new command is written here, in the file of its kind or in one of its own, and added to `COMMANDS` in `cli/main.py`.
Heavy imports stand inside the command that needs them, so that `ftm --help` and `ftm themes` answer at once.
"""
