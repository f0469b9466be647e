"""Train an image net and a graph net on ever more windows, and mark where the image net catches up.

python scripts/reproduce_samples.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "samples", *sys.argv[1:]]))
