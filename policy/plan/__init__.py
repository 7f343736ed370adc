"""The compiled policy as frozen tables, and the questions that the tables answer.

Imports vocabulary; never the language: processes read plans, not documents.
"""
