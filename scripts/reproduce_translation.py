"""Train padded towers to say which of two maxima lies left, and move the pair, after Kayhan and van Gemert.

python scripts/reproduce_translation.py --seeds 3
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["reproduce", "translation", *sys.argv[1:]]))
