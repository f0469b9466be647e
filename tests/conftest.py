"""Settings of the tests: hypothesis is deterministic, unless --hypothesis-profile=search is given."""

import pytest
from hypothesis import settings

settings.register_profile("gnnmax", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("gnnmax")


def pytest_addoption(parser):
    parser.addoption("--mutants", type=int, default=300, help="altered files that each test of a format tries")


@pytest.fixture(scope="session")
def mutant_count(request):
    """Number of altered files that a test of a format tries: 300, or as ``--mutants`` says."""
    return request.config.getoption("--mutants")
