"""``roadfade gateway``: devices come in by its doors; it sees no person, no consent and no key."""
