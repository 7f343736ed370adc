"""``roadfade status``: facts gathered from outside, and what they mean.

May import ``in_force``, bus and the port of stores; never a process, and it changes nothing.
"""
