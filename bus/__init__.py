"""Kafka, and the only package that knows it: topics, the batch loop, compacted views."""
