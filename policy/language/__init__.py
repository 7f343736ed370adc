"""The document as people write it: a module for each kind of file, strict, with places.

Imports vocabulary; it knows no plan, and resolves no signal.
"""
