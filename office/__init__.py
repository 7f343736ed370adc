"""What people may ask: the registry of devices, links and consents, and the keyring.

Imports policy and telemetry; never a processor, a store of records or the broker.
"""
