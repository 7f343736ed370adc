"""Several versions in time: which one decides, what becomes of rows and topics of older ones."""
