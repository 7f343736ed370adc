"""Kafka clients: the only importer of aiokafka. Everything else in ``bus`` uses these."""
