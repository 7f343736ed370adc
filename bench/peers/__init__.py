"""The jobs on each engine that is measured. Peers of other engines import nothing of ours."""
