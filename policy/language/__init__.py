"""The document as people write it: a module for each kind of file, strict, with places."""
