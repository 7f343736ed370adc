"""What speaks to Kafka: the only importer of aiokafka. Everything else in ``bus`` asks these."""
