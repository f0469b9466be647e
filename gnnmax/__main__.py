"""``python -m gnnmax`` is the command line."""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
