"""Measure a table of known figures again: ceilings, Bayes rules, tables of papers.

python scripts/reproduce.py ceilings --seeds 3        # the names: python -m gnnmax list tables
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", *sys.argv[1:]]))
