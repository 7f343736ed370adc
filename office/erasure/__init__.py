"""What is done for one person: finding all that is theirs, and having it removed.

Who holds keys and links computes here; stores obey, and never learn whose rows they are.
"""
