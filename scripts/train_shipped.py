"""Train the models that ship with the package, evaluate them, and copy weights and model cards into the package.

python scripts/train_shipped.py --workers 2
"""

import sys
from pathlib import Path

from gnnmax.cli.main import main
from gnnmax.report.shipping import TRAININGS, ship_models

if __name__ == "__main__":
    for name, (call, names) in TRAININGS.items():
        run = Path("runs", "shipping", name)
        if main(["compare", *call.split(), "--out", str(run), "--resume", *sys.argv[1:]]):
            sys.exit(1)
        ship_models(run, Path(__file__).parents[1] / "gnnmax" / "models" / "weights", names)
