"""Rows that a legal hold keeps, copied out of any store and sealed for who may open them.

May import the port of stores and the wire; must not know a kind of store, a person or a private
key.
"""
