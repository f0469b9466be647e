"""Train at k = 9, and test on other sides, other weights and ties.

python scripts/reproduce_shifts.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "shifts", *sys.argv[1:]]))
