"""Ours beside the usual way, measured: `python -m benchmarks` for speed, `python -m benchmarks.quality` for quality."""
