"""Reading what is published: a root and a question in, themes, traces, rows and checks out.

It never writes under processed/, and never needs Ray.
"""
