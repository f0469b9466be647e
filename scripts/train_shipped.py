"""Train the models that ship with the package, evaluate them, and copy weights and model cards into the package.

python scripts/train_shipped.py --workers 2
"""

import sys
from pathlib import Path

from gnnmax.cli.main import main
from gnnmax.report.shipping import ship_models

SPIKES = "spike-9,sizes,weights,ties-9,hubs-9,contact-11,real-les-miserables,real-karate"
BUMP = ["--config", "bump", "--models", "cnn,product"]
RUNS = (
    ("shipped", ["--data", "close-9", "--config", "shipped", "--also", SPIKES], {"cnn": "cnn", "gnn": "gnn"}),
    ("bump-natural", ["--data", "bump-9-natural", "--also", "bump-9-shuffled", *BUMP], {"cnn-natural": "cnn"}),
    (
        "bump-shuffled",
        ["--data", "bump-9-shuffled", "--also", "bump-9-natural", *BUMP],
        {"cnn-shuffled": "cnn", "product": "product"},
    ),
)

if __name__ == "__main__":
    for folder, call, names in RUNS:
        run = Path("runs", "shipping", folder)
        if main(["compare", *call, "--out", str(run), "--resume", *sys.argv[1:]]):
            sys.exit(1)
        ship_models(run, Path(__file__).parents[1] / "gnnmax" / "models" / "weights", names)
