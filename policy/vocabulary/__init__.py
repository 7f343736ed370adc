"""The words that document and plan share: terms, operations, periods, patterns.

Imports telemetry only.
"""
