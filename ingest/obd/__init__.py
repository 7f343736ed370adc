"""An OBD-II adapter's session to readings; the adapter is read by a process of its own."""
