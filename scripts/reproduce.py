"""Reproduce a table of known results: ceilings, Bayes rules, tables from papers.

python scripts/reproduce.py ceilings --seeds 3        # the names: python -m gnnmax list tables
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", *sys.argv[1:]]))
