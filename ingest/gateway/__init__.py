"""The gateway's rooms: devices come in by certificate, and what they bring goes onto the raw topic.

May import the rest of ``ingest`` and ``telemetry``; it knows no people, no consents and no Kafka.
"""
