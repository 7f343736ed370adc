"""Which policy is in force for this process: documents, published versions, plans, limits.

May import bus, office, policy and the views of people; never a process or a store of records.
"""
