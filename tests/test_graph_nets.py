"""The page of graph nets is what its script writes, and its sentences are true of its table."""

import pytest
import torch

from gnnmax.testing import assert_permutation_equivariant
from tests.support.graph_nets import ENCODINGS, MODELS, PAGE, graph, page, row

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")

ROWS = [
    line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
]
TABLE = {cells[0]: cells for cells in ROWS[2:]}
READ = [model for model in MODELS if model.encodes]


@pytest.mark.parametrize("model", MODELS[::5], ids=lambda model: model.name)
def test_a_fifth_of_the_rows_are_what_the_tests_say(model):
    assert " | ".join(row(model)).strip(" |") == " | ".join(TABLE[model.name]).strip(" |")


@pytest.mark.slow
def test_the_page_is_what_the_script_writes():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_has_at_least_25_models_and_a_reason_for_each_that_breaks_its_law():
    assert len(MODELS) >= 25
    assert list(TABLE) == [model.name for model in MODELS]
    for model in MODELS:
        assert bool(model.why) == (TABLE[model.name][2] in ("**neither**", "stochastic")), model.name


@pytest.mark.parametrize("model", READ, ids=lambda model: model.name)
def test_only_a_recomputed_laplacian_encoding_changes_a_verdict(model):
    plain, carried, recomputed, *walks = TABLE[model.name][2:7]
    assert [carried, *walks] == [plain] * 3
    if model.name != "InnerProductDecoder":
        assert recomputed == (plain if plain == "stochastic" else "**neither**")


def test_the_random_signs_of_the_laplacian_encoding_make_every_net_stochastic():
    with torch.random.fork_rng(), pytest.raises(AssertionError, match="two calls on the same data differ"):
        torch.manual_seed(0)  # the signs of two calls may agree by chance
        assert_permutation_equivariant(None, graph(), call=lambda data: ENCODINGS["Laplacian"](data).pe)
    assert_permutation_equivariant(None, graph(), call=lambda data: ENCODINGS["random walk"](data).pe)
