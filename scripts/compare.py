"""Train models side by side on the same batches and evaluate them beside the rules.

python scripts/compare.py --data spike-9 --models cnn,gnn --seeds 3 --workers 2 --out runs/compare
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["compare", *sys.argv[1:]]))
