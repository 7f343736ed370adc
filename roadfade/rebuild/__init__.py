"""The office's database made anew from the control topics, beside its place and then in it.

It may import the office, the bus and what every command shares, and no process.
"""
