"""What `make run` and the tests start on this machine: a broker and a Prometheus."""
