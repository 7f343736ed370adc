"""The lake: Parquet files by expiry, durable parts, markers.

Imports the port; nothing here removes a row but ``deletion``.
"""
