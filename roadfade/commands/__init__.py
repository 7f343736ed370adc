"""One module per command: its arguments, its work, its answer.

May import every package; only the command line imports it.
"""
