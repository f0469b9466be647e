"""Train nets of every symmetry and hold them against the ceilings that their symmetries force.

python scripts/reproduce_ceilings.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "ceilings", *sys.argv[1:]]))
