"""``roadfade status``: facts gathered from outside, and what they mean."""
