"""Find the maxima of real graphs, and let the shipped nets score the window around every edge.

python scripts/reproduce_real.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "real", *sys.argv[1:]]))
