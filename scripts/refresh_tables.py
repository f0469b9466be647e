"""Write tables into the documents: python scripts/refresh_tables.py models metrics recipes maps sets.

The first four are made from registries at once; the others are measured again, three seeds each. Without a name all
are written, in about two hours.
"""

import sys
from pathlib import Path

from gnnmax.experiments.reproduction import TABLES, reproduce
from gnnmax.report.documents import PAGES, outcome_markdown, replace_marked

if __name__ == "__main__":
    root = Path(__file__).parents[1]
    for name in sys.argv[1:] or (*PAGES, *TABLES):
        page, content = PAGES.get(name, ("docs/results.md", None))
        made = content() if content else outcome_markdown(reproduce(name, seeds=(0, 1, 2)).to_dict())
        replace_marked(root / page, name, made)
