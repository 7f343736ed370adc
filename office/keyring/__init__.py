"""Keys of pseudonyms, wrapped by a key from outside; destroying one unlinks what it made.

Imports ``office.store``; never the registry: keys know no person.
"""
