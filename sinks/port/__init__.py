"""What processes need of any store, and what stores share: records, admission, duplicates."""
