"""What must not come back from a backup: remembered by keyed hashes, each week under its own key.

Kept for as long as anything may be restored or read again.
"""
