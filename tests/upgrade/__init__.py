"""Files and topics of other versions of Roadfade: what they left, and what this one does with it."""
