"""``roadfade run``: every process and a simulated fleet on one machine, with a live view."""
