"""The files of the repository as git lists them."""

import subprocess
from pathlib import Path

from tests.support.skips import skip_outside_ci

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    """Return the files that git tracks; a test that needs them is skipped outside a checkout."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        skip_outside_ci("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines()]
