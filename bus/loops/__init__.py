"""Read, hand on, commit: the loops of workers and sinks, and what they note of their group."""
