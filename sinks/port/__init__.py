"""What processes need of any store, and what stores share: records, admission, duplicates.

Imports telemetry; never a store.
"""
