"""Speed as ratios: every path against a floor or a peer, timed in the same process and run.

``python -m benchmarks`` prints the table; ``--markdown`` also writes it into ``benchmarks/README.md``.
"""
