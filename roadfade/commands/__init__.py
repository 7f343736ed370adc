"""One module per command: its arguments, its work, its answer."""
