"""Train four readouts to name the largest of a set of numbers, after table 1 of the Set Transformer.

python scripts/reproduce_sets.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "sets", *sys.argv[1:]]))
