"""The worker: batches through the processor, under the version in force."""
