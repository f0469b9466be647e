"""Generate the data set of a recipe in a folder.

python scripts/generate.py spike-9 --workers 2 --out datasets/spike-9
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["generate", *sys.argv[1:]]))
