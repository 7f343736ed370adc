"""The policy tried on recordings: what would pass, what an attacker could learn.

Stands on processors and pages; runs without Kafka, with keys that are thrown away.
"""
