"""Score the shipped Bayes rule at every side and amplitude, and hold it against the closed form.

python scripts/reproduce_bayes.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "bayes", *sys.argv[1:]]))
