"""Peak memory is that of the program itself, not of the process that started it."""

import subprocess
import sys

import numpy as np

from gnnmax.io import process_memory
from gnnmax.io.process_memory import peak_memory

CHILD = "from gnnmax.io.process_memory import peak_memory; print(peak_memory())"


def test_a_small_program_of_a_large_one_states_its_own_peak():
    large = np.ones(2**26)  # 512 MiB
    assert peak_memory() > large.nbytes
    own = int(subprocess.run([sys.executable, "-c", CHILD], capture_output=True, check=True, text=True).stdout)
    assert 5e6 < own < 2.5e8


def test_memory_that_was_used_counts():
    before = peak_memory()
    np.ones(before // 8 + 2**22)
    assert peak_memory() >= before + 2**25


def test_without_the_file_of_linux_the_system_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(process_memory, "STATUS", tmp_path / "none")
    assert peak_memory() > 1e7
