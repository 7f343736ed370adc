"""Several versions in time: which one decides, what becomes of rows and topics of older ones.

May import every other room of the policy; the instant comes in as an argument.
"""
