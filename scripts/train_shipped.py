"""Train the models that ship with the package, evaluate them, and copy weights and model cards into the package.

python scripts/train_shipped.py --workers 2
"""

import sys
from pathlib import Path

from gnnmax.cli.main import main
from gnnmax.report.shipping import ship_models

TESTS = "sizes,weights,ties-9,hubs-9,contact-11,real-les-miserables,real-karate"

if __name__ == "__main__":
    call = ["compare", "--data", "spike-9", "--config", "shipped", "--also", TESTS, "--out", "runs/shipped", "--resume"]
    status = main([*call, *sys.argv[1:]])
    if status == 0:
        ship_models(Path("runs/shipped"), Path(__file__).parents[1] / "gnnmax" / "models" / "weights")
    sys.exit(status)
