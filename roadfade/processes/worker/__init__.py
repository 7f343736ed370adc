"""The worker: batches through the processor, under the version in force.

May import processors, bus and the keyring; a store of records is out of its reach.
"""
