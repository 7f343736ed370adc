"""Kafka, in the only package that imports its client: topics, the batch loop, compacted views.

Imports telemetry only; what a record means is decided elsewhere.
"""
