"""A document to a plan: permits less forbids, grouped into outputs; all findings at once.

Imports language, plan and vocabulary; processes need ``compile`` alone of it.
"""
