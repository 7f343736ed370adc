"""``roadfade sweep``: what is due goes; nothing else here may hold that up."""
