"""Write the table of graph nets and their symmetry: python scripts/refresh_graph_nets.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.graph_nets import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
