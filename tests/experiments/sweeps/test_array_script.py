"""The script of the documentation for a Slurm array, run against a local stand-in for sbatch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gnnmax.experiments.sweeps.driver import run_sweep
from gnnmax.experiments.sweeps.merging import merge_sweeps
from gnnmax.io.toml import toml_text
from tests.support.sweeps import PLAN

SCRIPT = Path(__file__).parents[3] / "docs" / "sweep-array.sh"


def sbatch(script, *arguments, path, folder):
    """Run every task of an array, as sbatch would, the last first; the numbers come from the script."""
    first, last = map(int, re.search(r"#SBATCH --array=(\d+)-(\d+)", script.read_text()).groups())
    count = last - first + 1
    for task in range(last, first - 1, -1):
        variables = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": str(count), "PATH": path}
        subprocess.run(["sh", str(script), *arguments], env=os.environ | variables, cwd=folder, check=True)


@pytest.mark.slow
def test_the_tasks_of_an_array_merge_to_the_sweep_of_one_process(tmp_path):
    program = tmp_path / "bin" / "gnnmax"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gnnmax "$@"\n')
    program.chmod(0o755)
    (tmp_path / "plan.toml").write_text(toml_text(PLAN))
    sbatch(SCRIPT, "plan.toml", "out", path=f"{program.parent}:{os.environ['PATH']}", folder=tmp_path)
    merged = merge_sweeps(sorted(tmp_path.glob("out-*")), tmp_path / "all")
    assert merged == run_sweep(PLAN, tmp_path / "alone").table
