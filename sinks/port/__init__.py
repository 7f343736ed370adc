"""What processes need of any store, and what stores share: records, admission, duplicates.

Imports telemetry and the plan of a policy; never a store.
"""
