"""What may remain of an envelope: attribute, permit, minimise, pseudonymise. Pure.

Imports policy and telemetry; clock, chance and keys come in as arguments.
"""
