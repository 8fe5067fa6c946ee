"""Between a command and the work: options become settings, a person sees progress, and Ray's errors become ours."""
