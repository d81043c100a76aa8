"""The costs of newsbot, as ratios to peers in the same run: `python -m benchmarks --help`."""
