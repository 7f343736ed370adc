"""``roadfade office publish``: what the office says, on its topics, and the topics themselves."""
