"""What `make run` and the tests start on this machine: a broker and a Prometheus.

Imports nothing of ours: what runs on it is named by whoever starts it.
"""
