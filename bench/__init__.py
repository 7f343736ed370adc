"""What the hot path costs: ``python -m bench.hot_path``, explained in docs/benchmarks.md."""
