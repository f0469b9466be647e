"""Train nets with every combination of data, initial weights and order, and split the spread of their accuracies.

python scripts/reproduce_variation.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "variation", *sys.argv[1:]]))
