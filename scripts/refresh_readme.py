"""Put the figures of the demo into the README: the table between its marks, and the picture of the heat maps.

make demo && python scripts/refresh_readme.py
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORT = [sys.executable, "-m", "gnnmax", "report", "runs/demo", "--markdown", "--heat-maps", "docs/heat-maps.svg"]

if __name__ == "__main__":
    printed = subprocess.run(REPORT, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    table = printed.split("\n\n")[1]  # of the first test set; its name stands above it
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    page = re.sub(r"(<!-- demo -->\n).*?(\n<!-- /demo -->)", lambda m: f"{m[1]}{table}{m[2]}", page, flags=re.DOTALL)
    (ROOT / "README.md").write_text(page, encoding="utf-8")
