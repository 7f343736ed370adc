"""What a new version opens, closes, lengthens or shortens, in sentences."""
