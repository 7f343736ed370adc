"""Which clock decides about an end: the own one, unless live answers say that it is wrong."""
