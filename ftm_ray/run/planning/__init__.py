"""How long a run will take and what it will cost, before it starts: in come its size and its nodes, out come stages.

Plain arithmetic over a table of measured rates; nothing here starts Ray or touches a file under ROOT.
"""
