"""Write the metrics of the demo and its picture into the README.

make demo && python scripts/refresh_readme.py
"""

from pathlib import Path

from gnnmax.experiments.results import read_results
from gnnmax.report.documents import replace_marked, split_markdown
from gnnmax.report.page import write_heat_maps

if __name__ == "__main__":
    root = Path(__file__).parents[1]
    results = read_results(root / "runs" / "demo")
    write_heat_maps(results, root / "docs" / "heat-maps.svg")
    replace_marked(root / "README.md", "demo", split_markdown(results.tests[0]))
