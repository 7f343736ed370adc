"""Reading a store for one purpose, behind a gate."""
