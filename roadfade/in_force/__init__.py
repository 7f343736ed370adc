"""Which policy is in force for this process: documents, published versions, plans, limits."""
