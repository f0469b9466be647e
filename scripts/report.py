"""Write the report of a run.

python scripts/report.py runs/compare
"""

import sys

from gnnmax.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["report", *sys.argv[1:]]))
