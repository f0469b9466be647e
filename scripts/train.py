"""Train one model from one seed.

python scripts/train.py --data spike-9 --model gnn --out runs/gnn
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
