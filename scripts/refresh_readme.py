"""Update generated tables: the demo's metrics in the README, the recipes and the models.

make demo && python scripts/refresh_readme.py
"""

from pathlib import Path

from gnnmax.experiments.results import read_results
from gnnmax.report.documents import models_markdown, recipes_markdown, replace_marked, test_markdown
from gnnmax.report.page import write_heat_maps

if __name__ == "__main__":
    root = Path(__file__).parents[1]
    results = read_results(root / "runs" / "demo")
    write_heat_maps(results, root / "docs" / "heat-maps.svg")
    replace_marked(root / "README.md", "demo", test_markdown(results.tests[0]))
    replace_marked(root / "datasets" / "README.md", "recipes", recipes_markdown())
    replace_marked(root / "docs" / "models.md", "models", models_markdown())
