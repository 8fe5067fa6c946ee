"""The `ftm` command: options in, screens, JSON and exit codes out.

`main.py` has the group and the list of commands, `commands/` the commands, `launch/` what lies between a command and
the work of a folder below, `screens/` what a person sees of the result, `progress.py` what is seen meanwhile.
"""
