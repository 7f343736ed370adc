"""What a lake of format 1 has instead of checkpoints: read, proved, and carried over.

Nothing here is written any more.
"""
