"""What the wiring asks of any store, and what stores share: records, admission, duplicates."""
