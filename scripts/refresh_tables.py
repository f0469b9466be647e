"""Write tables into the documents: python scripts/refresh_tables.py models metrics peaks recipes maps sets.

The first five are made from registries at once; the others are measured again, three seeds each; answer writes the
headline of the README as well. Without a name all are written, in about three hours.
"""

import sys
from pathlib import Path

from gnnmax.report.documents import refresh_tables

if __name__ == "__main__":
    refresh_tables(Path(__file__).parents[1], sys.argv[1:])
