"""Kafka in this process, for tests and trials: all of ``bus.ports``, and faults on request."""
