"""Kafka clients: the only importer of aiokafka. Everything else in ``bus`` uses these.

Imports the ports and values of ``bus``; no loop and no view.
"""
