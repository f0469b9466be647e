"""Train nets that read off the largest degree of small graphs, and test them on larger ones.

python scripts/reproduce_extrapolation.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "extrapolation", *sys.argv[1:]]))
