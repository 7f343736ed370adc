"""Keep a purpose's records until they expire, and forget them on time."""
