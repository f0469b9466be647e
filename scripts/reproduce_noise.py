"""Train image, set and graph nets on a spike in Gaussian noise, and hold them against the Bayes rule.

python scripts/reproduce_noise.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "noise", *sys.argv[1:]]))
