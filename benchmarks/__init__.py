"""Speed as ratios: every path beside a floor or a peer, timed in the same process and run.

``python -m benchmarks`` prints the table; ``--markdown`` writes it into ``benchmarks/README.md`` too.
"""
