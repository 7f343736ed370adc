"""The policy tried on recordings: what would pass, what an attacker could learn.

Uses processors and pages; runs without Kafka, with keys that are thrown away.
It imports no client, store or office.
"""
