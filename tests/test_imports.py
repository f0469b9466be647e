"""Imports: evaluating scores and printing help must not load a net library."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "torch_geometric")
WATCHED = (*HEAVY, "matplotlib", "sklearn", "scipy.stats")


def loaded(code: str) -> set[str]:
    """The heavy modules that a fresh interpreter has loaded after some code."""
    report = f"import sys; sys.stderr.write(' '.join(m for m in {WATCHED!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import gnnmax",
        "from gnnmax import evaluate, compare_scores, on_values, RULES, Windows, is_centred",
        "from gnnmax import load_recipe, build, open_dataset; build(load_recipe('tiny'))",
        "from gnnmax import audit",
        "from gnnmax.cli.main import main; main(['--help'])",
        "from gnnmax.cli.main import main; main(['compare', '--help'])",
        "from gnnmax.cli.main import main; main(['list', 'recipes'])",
    ],
)
def test_no_net_library_is_loaded(code):
    assert not loaded(code) & set(HEAVY)


def test_judging_loads_neither_scikit_learn_nor_matplotlib():
    assert loaded("from gnnmax import evaluate, compare_scores, evaluate_peaks") == set()


@pytest.mark.parametrize(
    "code",
    [
        "import numpy; from gnnmax import find_maxima; find_maxima(numpy.eye(9), 3)",
        "from gnnmax.cli.main import main; main(['--help'])",
        "from gnnmax.cli.main import main; main(['detect', '--help'])",
    ],
)
def test_a_search_and_help_do_not_load_the_statistics_of_scipy(code):
    assert loaded(code) == set()


def test_judging_does_not_load_the_audit():
    code = "import sys; from gnnmax import evaluate; assert 'gnnmax.auditing' not in sys.modules"
    assert loaded(code) == set()


def test_the_check_sees_what_is_loaded():
    assert "torch" in loaded("from gnnmax import load_model")
