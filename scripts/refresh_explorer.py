"""Measure bumps at every height, side and noise of affinities, and write the page with sliders.

python scripts/refresh_explorer.py [FOLDER OF CELLS]
"""

import sys
from pathlib import Path

from gnnmax.experiments.reproduction import CellOptions, reproduce
from gnnmax.report.explorer_page import write_explorer_page

if __name__ == "__main__":
    cells = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    outcome = reproduce("affinity", (0, 1), options=CellOptions(sizes=(5, 9, 13), folder=cells))
    write_explorer_page(outcome, Path(__file__).parents[1] / "docs" / "assets" / "explorer.html")
