"""The order test: exact under relabelling, blind to nothing that is ordered, and it says how far the order reaches."""

import json
from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, kstest, rankdata

from gnnmax import InputError, order_test
from gnnmax.cli.main import main
from gnnmax.detection import row_profiles, seriation
from gnnmax.detection.lag_likeness import batches_of_orders, likeness_at_lags
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.row_profiles import axis_profiles
from tests.support.contact_maps import drawn_map

SEEDS = st.integers(0, 2**32 - 1)
KARATE = nx.to_numpy_array(nx.karate_club_graph())
LES_MISERABLES = nx.to_numpy_array(nx.les_miserables_graph())


def shuffled(matrix, rng):
    order = rng.permutation(len(matrix))
    return matrix[np.ix_(order, order)]


def moran(matrix):
    """The statistic from its description: Moran's I of the rows of ranks along a line, by loops."""
    n = len(matrix)
    off = ~np.eye(n, dtype=bool)
    ranks = np.full((n, n), 0.5)
    total = off.sum()
    ranks[off] = (rankdata(matrix[off]) - (total + 1) / 2) / total
    rows = ranks if np.array_equal(matrix, matrix.T) else np.hstack([ranks, ranks.T])
    rows = rows - rows.mean(axis=0)
    alike = np.mean([rows[a] @ rows[b] for a, b in pairwise(range(n))])
    return alike / np.mean([row @ row for row in rows])


@settings(max_examples=30)
@given(seed=SEEDS, mirrored=st.booleans(), levels=st.sampled_from([3, 1000]))
def test_the_statistic_is_that_of_its_description(seed, mirrored, levels):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(levels, size=(7, 7)).astype(float)
    matrix = matrix + matrix.T if mirrored else matrix
    vectors = axis_profiles(as_source(matrix), "nodes", rng)
    found = likeness_at_lags(vectors, np.arange(7, dtype=np.int32)[None], np.array([1]))
    assert found[0, 0] == pytest.approx(moran(matrix), abs=1e-5)


@settings(max_examples=30)
@given(seed=SEEDS, mirrored=st.booleans())
def test_relabelled_nodes_have_relabelled_profiles_and_nothing_else_changes(seed, mirrored):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(3, size=(9, 9)).astype(float) * (rng.random((9, 9)) < 0.6)
    matrix = matrix + matrix.T if mirrored else matrix
    order = rng.permutation(9)
    one, other = (axis_profiles(as_source(form), "nodes", rng) for form in (matrix, matrix[np.ix_(order, order)]))
    np.testing.assert_allclose((one @ one.T)[np.ix_(order, order)], other @ other.T, atol=1e-5)


def test_without_information_the_p_value_is_uniform():
    rng = np.random.default_rng(0)
    found = [order_test(shuffled(KARATE, rng), draws=19, rng=rng) for _ in range(600)]
    at_level = sum(one.p <= 0.05 for one in found)
    assert binom.ppf(0.0005, 600, 0.05) <= at_level <= binom.ppf(0.9995, 600, 0.05)
    # the profile has nineteen distances, and the reach is above 0 as seldom as the first p-value is small
    assert sum(one.reach > 0 for one in found) == at_level


@pytest.mark.slow
@pytest.mark.parametrize("name", ["les miserables", "noise", "sparse", "rectangle"])
def test_without_information_five_per_cent_of_two_thousand_draws_are_significant(name):
    rng = np.random.default_rng(1)
    draw = {
        "les miserables": lambda: shuffled(LES_MISERABLES, rng),
        "noise": lambda: rng.normal(size=(30, 30)),
        "sparse": lambda: sp.random_array((60, 60), density=0.05, rng=rng, format="csr"),
        "rectangle": lambda: rng.exponential(size=(20, 40)),
    }[name]
    values = np.array([order_test(draw(), draws=199, rng=rng).axes[0].p for _ in range(2000)])
    assert abs((values <= 0.05).mean() - 0.05) <= 0.015
    assert kstest(values - rng.random(2000) / 200, "uniform").pvalue > 1e-3


def test_a_thinned_contact_map_is_ordered_and_a_shuffled_one_is_not():
    rng = np.random.default_rng(2)
    assert all(order_test(drawn_map(60, rng, thinned=0.1), draws=99, rng=rng).p <= 0.05 for _ in range(40))
    found = order_test(shuffled(drawn_map(120, rng), rng))
    assert found.p > 0.05 and (found.mode, found.net, found.reach) == ("graph", "gnn", 0)


@pytest.mark.slow
def test_on_contact_maps_thinned_tenfold_the_power_is_above_99_per_cent():
    rng = np.random.default_rng(3)
    maps = [drawn_map(n, rng, thinned=0.1) for n in (60, 100, 200) for _ in range(200)]
    assert np.mean([order_test(one, draws=199, rng=rng).p <= 0.05 for one in maps]) >= 0.99


def test_the_order_of_known_graphs_carries_the_information_that_was_measured():
    found = {"contact map": order_test(drawn_map(300, np.random.default_rng(0)))}
    found |= {"les miserables": order_test(LES_MISERABLES), "karate": order_test(KARATE)}
    assert all(one.p == 0.001 for one in found.values())
    assert [round(one.z) for one in found.values()] == [37, 14, 5]
    assert found["les miserables"].reach == 7 and found["contact map"].reach >= 20


@pytest.mark.parametrize("graph", [nx.path_graph(30), nx.grid_2d_graph(6, 6), nx.cycle_graph(30)])
def test_neighbours_that_share_no_neighbour_are_ordered_too(graph):
    matrix = nx.to_numpy_array(nx.convert_node_labels_to_integers(graph))
    assert order_test(matrix).p == 0.001
    assert order_test(shuffled(matrix, np.random.default_rng(1))).p > 0.05


def test_distances_and_similarities_are_ordered_likewise():
    place = np.sort(np.random.default_rng(0).random(40))
    apart = np.abs(place[:, None] - place)
    assert order_test(apart).p == order_test(-apart).p == 0.001


def test_an_increasing_map_and_the_diagonal_change_nothing():
    rng = np.random.default_rng(4)
    matrix = rng.random((25, 25))
    once, again = order_test(matrix), order_test(np.exp(5 * matrix) + 1e6 * np.eye(25))
    assert once.p == again.p and once.z == pytest.approx(again.z, abs=1e-4)


def test_an_order_and_its_reverse_are_as_likely_so_ties_count():
    matrix = np.random.default_rng(0).random((2, 2))
    found = order_test(matrix)
    assert (found.p, found.z, found.effect) == (1.0, 0.0, 0.0)
    assert order_test(np.ones((8, 8))).p == 1.0
    assert order_test(sp.csr_array((8, 8))).p == 1.0


def test_rows_and_columns_of_a_rectangle_are_tested_one_by_one():
    rng = np.random.default_rng(5)
    smooth = np.cumsum(rng.normal(size=(40, 25)), axis=0)
    found = order_test(smooth)
    rows, columns = found.axes
    assert (rows.axis, columns.axis) == ("rows", "columns")
    assert rows.p == 0.001 and columns.p > 0.05 and found.p == 0.002
    assert found.mode == "graph" and "sort the columns first" in found.advice
    again = order_test(smooth[:, rng.permutation(25)])
    assert again.axes[0].effect == pytest.approx(rows.effect, abs=1e-5)


def test_nodes_without_an_order_are_told_of_seriation_and_others_are_not():
    noise = np.random.default_rng(7).random((30, 30))
    found = order_test(noise)
    assert found.mode == "graph" and "seriate may find the order" in found.advice
    too_many = replace(found, axes=(replace(found.axes[0], n=seriation.LARGEST + 1),))
    assert too_many.mode == "graph" and "seriate" not in too_many.advice
    place = np.arange(30)
    for other in (order_test(noise, two_sets=True), order_test(np.exp(-np.abs(place[:, None] - place) / 5))):
        assert "seriate" not in other.advice


def test_two_sets_of_equally_many_are_known_by_their_names_or_by_the_option():
    rng = np.random.default_rng(6)
    table = pd.DataFrame(np.cumsum(rng.normal(size=(20, 20)), axis=0), columns=[f"c{i}" for i in range(20)])
    assert [axis.axis for axis in order_test(table).axes] == ["rows", "columns"]
    assert [axis.axis for axis in order_test(table.to_numpy(), two_sets=True).axes] == ["rows", "columns"]
    assert [axis.axis for axis in order_test(table.to_numpy()).axes] == ["nodes"]


def test_sparse_and_dense_forms_agree():
    matrix = LES_MISERABLES
    forms = [matrix, sp.csr_array(matrix), nx.from_numpy_array(matrix)]
    assert len({(one.p, round(one.z, 4), one.reach) for one in map(order_test, forms)}) == 1


def test_long_rows_are_projected_or_chosen_from_and_the_answer_is_nearly_the_same(monkeypatch):
    rng = np.random.default_rng(7)
    matrix = drawn_map(150, rng).astype(float)
    negative = np.where(matrix > 3, -matrix, matrix)
    for one in (matrix, negative):
        for unstored in ("zero", "missing"):
            given_matrix = sp.csr_array(one)
            whole = order_test(given_matrix, unstored=unstored)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(row_profiles, "ENTRIES", 1000)
                patch.setattr(row_profiles, "FEWEST", 60)
                parts = [order_test(given_matrix, unstored=unstored)]
                if unstored == "zero":
                    parts.append(order_test(one))
            for part in parts:
                assert part.p == 0.001 and part.effect == pytest.approx(whole.effect, abs=0.12)


def test_projected_profiles_keep_inner_products(monkeypatch):
    rng = np.random.default_rng(8)
    matrix = sp.csr_array(rng.integers(-2, 6, size=(40, 40)) * (rng.random((40, 40)) < 0.4))
    whole = axis_profiles(as_source(matrix), "nodes", rng)
    monkeypatch.setattr(row_profiles, "ENTRIES", 100)
    monkeypatch.setattr(row_profiles, "DIMENSIONS", (20_000, 64))
    projected = axis_profiles(as_source(matrix), "nodes", rng)
    np.testing.assert_allclose(projected @ projected.T, whole @ whole.T, atol=0.05)


def test_what_is_missing_makes_no_order():
    rng = np.random.default_rng(9)
    noise = rng.normal(size=(60, 60))
    noise[:20, 30:] = np.nan
    assert order_test(noise).p > 0.05
    smooth = drawn_map(60, rng).astype(float)
    smooth[rng.random((60, 60)) < 0.3] = np.nan
    assert order_test(smooth).p == 0.001
    assert order_test(np.ma.masked_invalid(smooth)).z == order_test(smooth).z


def test_random_orders_in_batches_and_tiles_give_the_same_sums(monkeypatch):
    vectors = np.random.default_rng(10).normal(size=(30, 4)).astype(np.float32)
    lags = np.array([1, 2, 7, 29])
    (orders,) = batches_of_orders(30, 11, np.random.default_rng(0))
    whole = likeness_at_lags(vectors, orders, lags)
    monkeypatch.setattr("gnnmax.detection.lag_likeness.TILE", 100)
    monkeypatch.setattr("gnnmax.detection.lag_likeness.ORDERS", 100)
    batches = list(batches_of_orders(30, 11, np.random.default_rng(0)))
    assert len(batches) == 4 and np.array_equal(np.concatenate(batches), orders)
    np.testing.assert_allclose(likeness_at_lags(vectors, orders, lags), whole, atol=1e-5)
    placed = [[np.mean([vectors[o[a]] @ vectors[o[a + lag]] for a in range(30 - lag)]) for lag in lags] for o in orders]
    np.testing.assert_allclose(whole, placed, atol=1e-5)


def test_one_half_is_read_as_both_where_the_caller_says_so(tmp_path):
    halves = np.triu(LES_MISERABLES), np.tril(LES_MISERABLES)
    assert {order_test(half, directed=False).z for half in halves} == {order_test(LES_MISERABLES).z}
    with pytest.raises(InputError, match="not that of an undirected graph"):
        order_test(np.arange(9.0).reshape(3, 3), directed=False)
    np.save(tmp_path / "half.npy", halves[0])
    assert main(["order", str(tmp_path / "half.npy"), "--undirected", "--json"]) == 0
    assert main(["order", str(tmp_path / "half.npy"), "--undirected", "--directed"]) == 2


def test_the_generator_alone_decides():
    found = [order_test(KARATE, rng=np.random.default_rng(seed)).to_dict() for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: order_test(np.ones((1, 5))), "at least two rows and two columns, not 1 x 5"),
        (lambda: order_test(np.full((4, 4), np.nan)), "no entry of the 4 x 4 matrix was measured outside the diagonal"),
        (lambda: order_test(np.where(np.eye(4), 1, np.nan)), "outside the diagonal"),
        (lambda: order_test(np.full((4, 3), np.nan)), "no entry of the 4 x 3 matrix was measured$"),
        (lambda: order_test(KARATE, draws=0), "draws must be a whole number from 1 to 100,000, not 0"),
        (lambda: order_test(KARATE, draws=True), "draws must be"),
        (lambda: order_test("karate.npy"), "given as the path"),
        (lambda: order_test(sp.csr_array((2**18, 2))), "cut out a part"),
    ],
)
def test_wrong_input_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_command_prints_json_and_draws_a_picture(tmp_path, capsys):
    file, picture = tmp_path / "graph.npy", tmp_path / "profile.svg"
    np.save(file, LES_MISERABLES)
    assert main(["order", str(file), "--json", "--out", str(picture)]) == 0
    printed = json.loads(capsys.readouterr().out)
    expected = order_test(LES_MISERABLES).to_dict()
    assert printed == {"matrix": str(file), "seed": 0, **expected}
    drawn = picture.read_bytes()
    assert main(["order", str(file), "--out", str(picture)]) == 0
    assert "use mode ordered and the net cnn" in " ".join(capsys.readouterr().out.split())
    assert picture.read_bytes() == drawn


def test_the_command_refuses_wrong_input_with_status_2_and_overwrites_nothing(tmp_path, capsys):
    file, foreign = tmp_path / "graph.npy", tmp_path / "mine.png"
    np.save(file, np.ones((1, 5)))
    foreign.write_bytes(b"mine")
    for wrong in (["--seed", "-1"], ["--draws", "0"], ["--out", str(foreign)], []):
        assert main(["order", str(file), *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert foreign.read_bytes() == b"mine"
