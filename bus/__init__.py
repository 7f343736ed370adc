"""Kafka, in the only package that imports its client: topics, the batch loop, compacted views."""
