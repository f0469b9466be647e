"""Reproduce tables of known results, with three seeds each, and write them into docs/results.md.

python scripts/refresh_tables.py sets translation        # names of tables; default: all, about two hours
"""

import sys
from pathlib import Path

from gnnmax.experiments.reproduction import TABLES, reproduce
from gnnmax.report.documents import outcome_markdown, replace_marked

PAGE = Path(__file__).parents[1] / "docs" / "results.md"

if __name__ == "__main__":
    for name in sys.argv[1:] or TABLES:
        replace_marked(PAGE, name, outcome_markdown(reproduce(name, seeds=(0, 1, 2)).to_dict()))
