"""Put figures where they are quoted: the demo's into the README, recipes, models and metrics into their tables.

make demo && python scripts/refresh_readme.py
"""

from pathlib import Path

from gnnmax.experiments.results import read_results
from gnnmax.report.documents import metrics_markdown, models_markdown, recipes_markdown, replace_marked, split_markdown
from gnnmax.report.page import write_heat_maps

if __name__ == "__main__":
    root = Path(__file__).parents[1]
    results = read_results(root / "runs" / "demo")
    write_heat_maps(results, root / "docs" / "heat-maps.svg")
    replace_marked(root / "README.md", "demo", split_markdown(results.tests[0]))
    replace_marked(root / "datasets" / "README.md", "recipes", recipes_markdown())
    replace_marked(root / "docs" / "models.md", "models", models_markdown())
    replace_marked(root / "docs" / "metrics.md", "metrics", metrics_markdown())
