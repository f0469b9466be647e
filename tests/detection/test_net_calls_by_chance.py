"""The false-discovery rate of calls by nets: in matrices without structure at most the stated one."""

import numpy as np
import pytest

from benchmarks.chance import graph, noise
from benchmarks.chance_of_nets import SEARCHES, main, outcomes_of_calls
from gnnmax.detection.decoy_scope import entries_in, scope_of
from gnnmax.detection.net_calls import as_mapper
from gnnmax.detection.permutation_null import PermutationNull
from gnnmax.detection.score_maps import score_matrix
from gnnmax.detection.search import prepare_matrix, search_matrix
from gnnmax.detection.search_options import SearchOptions

SEED = 20261127
"""That of the table in docs/detection.md."""

NOISE = [name for name, search in SEARCHES.items() if not search.matrices.bumps]


class NothingExchanged:
    """A source of permutations that returns the identity."""

    def random(self, number):
        return np.arange(number)


@pytest.mark.parametrize(("net", "mode"), [("cnn-natural", "ordered"), ("gnn", "ordered"), ("gnn", "graph")])
def test_a_decoy_that_exchanges_nothing_has_the_calls_of_the_matrix_to_the_bit(net, mode):
    # So matrix and decoys are exchangeable if their entries are: the highest call is a decoy's in 10 of 11 cases.
    matrix = (noise if mode == "ordered" else graph(0.0, 0.0))(np.random.default_rng(3))
    options, mapper = SearchOptions(5, mode=mode, triangle="upper"), as_mapper(net)
    source = prepare_matrix(matrix, options)
    entries = source.plain.edges() if mode == "graph" else source
    decoy = PermutationNull.of(entries_in(entries, scope_of(source, options))).draw(NothingExchanged())
    calls, others = (
        search_matrix(scores, options)
        for scores in (score_matrix(mapper, source, options), mapper.score(decoy, options))
    )
    assert len(calls) >= 10
    for field in ("rows", "columns", "values"):
        np.testing.assert_array_equal(getattr(others, field), getattr(calls, field))


@pytest.mark.slow
@pytest.mark.parametrize("name", NOISE)
def test_in_noise_anything_is_called_in_a_tenth_of_matrices_at_most(name):
    # 300 matrices at a rate of 0.1: above 0.152, three standard deviations, once in a thousand. With 150 the limit was
    # 0.175: the benchmark's own seed has 0.18 in normal noise, seeds 1, 2 and 3 have 0.09, 0.13 and 0.11.
    assert outcomes_of_calls(SEARCHES[name], 300, seed=SEED)[:, 0].mean() <= 0.152


@pytest.mark.slow
def test_planted_bumps_are_called():
    assert outcomes_of_calls(SEARCHES["three bumps 3 s.d. high, `cnn-natural`"], 10)[:, 1].mean() >= 0.8


def test_the_command_prints_rows_with_intervals_for_any_seed(capsys):
    assert main(["--repeats", "2", "--seed", "5", "--rows", "exponential weights, `gnn`"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[2].startswith("| graph with exponential weights, `gnn` | 2 | ")
    assert "% to " in lines[2]
    for wrong in (["--repeats", "0"], ["--rows", "nothing"]):
        with pytest.raises(SystemExit, match=r"^2$"):
            main(wrong)
