"""Train image, set and product nets on bumps in natural and in shuffled order; write the metrics into docs/results.md.

python scripts/refresh_results.py --workers 2
"""

import sys
from pathlib import Path

from gnnmax.cli.main import main
from gnnmax.experiments.results import read_results
from gnnmax.report.documents import replace_marked, split_markdown

ROOT = Path(__file__).parents[1]
CALL = ["compare", "--config", "bump", "--models", "cnn,cnn-contexts,exchangeable,product", "--resume"]

if __name__ == "__main__":
    for order, other in (("shuffled", "natural"), ("natural", "shuffled")):
        run = ["--data", f"bump-9-{order}", "--also", f"bump-9-{other}", "--out", f"runs/bump-{order}"]
        if main([*CALL, *run, *sys.argv[1:]]):
            sys.exit(1)
        for test in read_results(f"runs/bump-{order}").tests:
            replace_marked(ROOT / "docs" / "results.md", f"{order}, tested on {test.name}", split_markdown(test))
