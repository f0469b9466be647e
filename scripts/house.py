"""Print the shape of the package, measured from its source: python scripts/house.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.house import House, report

if __name__ == "__main__":
    sys.stdout.write(report(House.read()) + "\n")
