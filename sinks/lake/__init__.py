"""The lake: Parquet files by expiry, and checkpoints that say which of them count.

Imports the port; nothing here removes a row but ``deletion``.
"""
