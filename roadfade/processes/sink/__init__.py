"""``roadfade sink``: what came into the store, topic by topic, version by version."""
