"""Kafka in this process, for tests and trials: all of ``bus.ports``, and faults on request.

Imports the ports and values of ``bus``; never ``bus.client``.
"""
