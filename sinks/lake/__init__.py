"""The lake: Parquet files by expiry, durable parts, markers."""
