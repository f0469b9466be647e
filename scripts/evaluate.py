"""Evaluate the trained models of a run on a data set.

python scripts/evaluate.py --run runs/compare --data real-les-miserables
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
