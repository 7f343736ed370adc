"""``roadfade run``: every process and a simulated fleet on one machine, with a live view.

May import processes and what they stand on; never a command.
"""
