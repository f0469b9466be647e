"""Settings of the tests: one thread a process; deterministic hypothesis unless --hypothesis-profile=search is given.

Small tensors need no second thread, and several processes with several threads each slow one another down twentyfold.
"""

import os
import sys

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported

settings.register_profile("gnnmax", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("gnnmax")


@pytest.fixture(autouse=True)
def _seeded():
    """Seed what a test draws from torch without a generator, so that a test that fails fails again."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def pytest_addoption(parser):
    parser.addoption("--mutants", type=int, default=300, help="altered files that each test of a format tries")


@pytest.fixture(scope="session")
def mutant_count(request):
    """Number of altered files that a test of a format tries: 300, or as ``--mutants`` says."""
    return request.config.getoption("--mutants")
