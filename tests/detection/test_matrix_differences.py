"""Differences: nothing is found where nothing changed, changes are found, and wrong pairs are refused in one line."""

import csv
import json

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from benchmarks.differences import RATE, SIMULATIONS, measure, small_p_values
from gnnmax import InputError, find_differences, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection.count_tests import binomial_p_values, can_be_significant, dispersion_of
from gnnmax.detection.depth import depth_of
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix_input import NamedMatrix, as_source
from gnnmax.detection.window_sums import window_sums
from tests.support.contact_maps import symmetric_counts
from tests.support.genome import BINS, FIRST, SIDE, genome_matrix

SEEDS = st.integers(0, 2**32 - 1)
NULL = [name for name, one in SIMULATIONS.items() if not one.changed]
RNG = np.random.default_rng(0)
COUNTS = symmetric_counts(np.full((30, 30), 20.0), RNG)


@pytest.mark.parametrize("name", ["the same, depths 1 and 4", "counts on a graph", "real values, heavy noise"])
def test_without_a_change_little_is_found(name):
    # 12 pairs at a rate of .05: four or more, twice in a thousand
    assert measure(SIMULATIONS[name], 12).anything <= 0.25


@pytest.mark.slow
@pytest.mark.parametrize("name", NULL)
def test_without_a_change_anything_is_found_in_five_per_cent_of_pairs_at_most(name):
    assert measure(SIMULATIONS[name], 1000).anything <= RATE + 0.015


@pytest.mark.parametrize(
    "name",
    [
        "bumps of 20 counts, four of seven twice as high",
        "bumps of 20 counts, four of seven gone, `steps = distance`",
        "a tenth of the edges of mean 100 twice or half",
    ],
)
def test_changes_are_found_and_few_of_these_are_false(name):
    found = measure(SIMULATIONS[name], 10)
    assert found.power >= 0.65 and found.false <= 0.15


@pytest.mark.slow
def test_a_twofold_change_at_20_counts_is_found_with_a_power_above_80_per_cent():
    found = measure(SIMULATIONS["bumps of 20 counts, four of seven twice as high"], 500)
    assert found.power >= 0.8 and found.false <= RATE + 0.015


def test_maxima_of_either_matrix_lean_to_it_by_chance_and_those_of_the_sum_do_not():
    by_either, by_sum = small_p_values(8)
    assert by_either >= 0.15 and by_sum <= 0.08


@settings(max_examples=60)
@given(total=st.integers(0, 60), share=st.floats(0.05, 0.95), data=st.data())
def test_p_values_are_twice_the_smaller_tail_half_of_the_count_itself_included(total, share, data):
    count = data.draw(st.integers(0, total))
    found = binomial_p_values(*(np.array([float(x)]) for x in (count, total, share)))[0]
    own = binom.pmf(count, total, share) / 2
    tails = binom.cdf(count, total, share) - own, binom.sf(count - 1, total, share) - own
    assert found == pytest.approx(min(1, 2 * min(tails)), abs=1e-9)
    assert found <= binomtest(count, total, share).pvalue * 2 + 1e-9 if total else found == 1


@settings(max_examples=60)
@given(seed=SEEDS, number=st.integers(1, 30))
def test_the_tests_that_count_are_those_of_gilbert(seed, number):
    least = np.random.default_rng(seed).random(number) ** 3
    size = next(k for k in range(1, number + 1) if (least <= 0.05 / k).sum() <= k)
    assert can_be_significant(least, 0.05).tolist() == (least <= 0.05 / size).tolist()


@settings(max_examples=30)
@given(seed=SEEDS, holes=st.booleans(), mirrored=st.booleans(), side=st.sampled_from([1, 3, 5]), stored=st.booleans())
def test_a_window_sum_counts_what_was_measured_and_each_pair_once(seed, holes, mirrored, side, stored):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 9, size=(12, 12)).astype(float)
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if mirrored else matrix
    hidden = (rng.random((12, 12)) < 0.3) & holes
    given_matrix = sp.csr_array(np.where(hidden, 0, matrix)) if stored else np.where(hidden, np.nan, matrix)
    rows, columns = rng.integers(12, size=(2, 6))
    source = as_source(given_matrix, unstored="missing")
    sums, counts = window_sums(source, rows, columns, side, upper=mirrored)
    half = side // 2
    for i, j, total, number in zip(rows, columns, sums, counts, strict=True):
        inside = [
            (a, b)
            for a in range(max(0, i - half), min(12, i + half + 1))
            for b in range(max(0, j - half), min(12, j + half + 1))
            if not hidden[a, b] and (a <= b or not mirrored)
        ]
        # a tile of a sparse matrix without any stored entry is never read
        assert number == len(inside) and total == sum(matrix[place] for place in inside)


def test_the_ratio_of_depths_follows_distance_and_ignores_single_changes():
    rng = np.random.default_rng(1)
    apart = np.abs(np.subtract.outer(np.arange(200), np.arange(200)))
    a, b = rng.poisson(np.full((200, 200), 50.0)), rng.poisson(50.0 * (1 + (apart > 20)))
    b[3, 150] = 10**9
    depth = depth_of(as_source(a), as_source(b), by_distance=True, upper=False)
    share, variance = depth.at(np.array([4, 150]))
    np.testing.assert_allclose((1 - share) / share, [1, 2], rtol=0.05)
    assert (np.abs(share - [1 / 2, 1 / 3]) <= 5 * np.sqrt(variance)).all()


def test_the_dispersion_is_that_of_the_counts():
    rng = np.random.default_rng(2)
    total = rng.poisson(100, size=20_000).astype(float)
    half = np.full(len(total), 0.5)
    poisson, wide = rng.binomial(total.astype(int), 0.5), rng.binomial(total.astype(int), rng.beta(24.5, 24.5, 20_000))
    assert dispersion_of(poisson.astype(float), total, half, total**2) < 0.002
    assert dispersion_of(wide.astype(float), total, half, total**2) == pytest.approx(0.02, rel=0.2)
    assert dispersion_of(wide[:40].astype(float), total[:40], half[:40], total[:40] ** 2) == 0


def test_the_two_sides_are_exchanged_with_the_matrices():
    rng = np.random.default_rng(3)
    other = symmetric_counts(np.full((30, 30), 20.0), rng)
    other[4:7, 20:23] *= 4
    other[20:23, 4:7] *= 4
    one, back = find_differences(COUNTS, other), find_differences(other, COUNTS)
    assert one.gained.places == back.lost.places == [(5, 21)] or len(one.gained) == len(back.lost) == 1
    np.testing.assert_allclose(np.sort(one.p), np.sort(back.p), rtol=1e-6)
    assert one.depth == pytest.approx(1 / back.depth)


def test_sparse_dense_graphs_and_frames_agree():
    rng = np.random.default_rng(4)
    a, b = (symmetric_counts(np.full((20, 20), 2.0), rng) for _ in range(2))
    names = [f"n{i}" for i in range(20)]
    order = rng.permutation(20)
    frame = pd.DataFrame(b, names, names).iloc[order, order]
    pairs = {
        "dense": (a, b),
        "sparse": (sp.csr_array(a), sp.csr_array(b)),
        "both": (sp.csr_array(a), b),
        "frames": (pd.DataFrame(a, names, names), frame),
        "graphs": (nx.from_numpy_array(a), nx.from_numpy_array(b)),
    }
    for mode in ("ordered", "graph"):
        found = {name: find_differences(*pair, 5, mode=mode) for name, pair in pairs.items()}
        for one in found.values():
            assert one.places == found["dense"].places
            np.testing.assert_allclose(one.q, found["dense"].q, rtol=1e-9)
    assert found["frames"].table().as_rows()[0]["row"].startswith("n")


def test_one_half_is_read_as_both_and_a_directed_pair_has_two_edges():
    rng = np.random.default_rng(7)
    a, b = (symmetric_counts(np.full((20, 20), 5.0), rng) for _ in range(2))
    whole = find_differences(a, b, 5)
    half = find_differences(np.triu(a), sp.csr_array(np.tril(b)), 5, directed=False)
    assert half.places == whole.places and np.array_equal(half.q, whole.q)
    one_way = find_differences(a, np.triu(b), 5)
    assert any(i > j for i, j in one_way.places)


def test_what_was_not_measured_in_both_is_missing():
    rng = np.random.default_rng(5)
    a, b = rng.poisson(20.0, (2, 25, 25)).astype(float)
    a[3, 3], b[10, 10] = 500, 500
    b[3, 3] = np.nan
    found = find_differences(a, b, 5)
    assert (10, 10) in found.gained.places and (3, 3) not in found.places
    stored = find_differences(sp.csr_array(np.nan_to_num(a)), sp.csr_array(np.nan_to_num(b)), 5, unstored="missing")
    assert (10, 10) in stored.gained.places


def test_maxima_of_the_sum_are_tested_by_any_options_of_the_search():
    rng = np.random.default_rng(6)
    a, b = rng.poisson(5.0, (2, 40, 30))
    found = find_differences(a, b, (5, 3), threshold=15, ties="all", diagonal=False)
    expected = find_maxima(a + b, (5, 3), threshold=15, ties="all", diagonal=False)
    assert sorted(found.places) == sorted(zip(expected.rows.tolist(), expected.columns.tolist(), strict=True))
    own = find_maxima(a, (5, 3), ties="all", diagonal=False)  # the threshold is one of the sum
    assert {place for place, is_one in zip(found.places, found.are_maxima[0], strict=True) if is_one} == {
        place[:2] for place in own
    } & set(found.places)


def test_no_maximum_makes_an_empty_table_with_all_columns():
    found = find_differences(np.ones((9, 9)), np.ones((9, 9)), 3)
    assert len(found) == 0 and list(found.to_pandas().columns)[:3] == ["i", "j", "change"]
    assert find_differences(np.full((9, 9), 0.5), np.full((9, 9), 0.5), 3).counted() == {
        "gained": 0,
        "lost": 0,
        "kept": 0,
    }


NEGATIVE = np.where(np.eye(30) > 0, -1, COUNTS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_differences(COUNTS, COUNTS[:20]), "have one shape, not 30 x 30 and 20 x 30"),
        (
            lambda: find_differences(pd.DataFrame(np.eye(2), ["a", "b"], ["a", "b"]), nx.path_graph(["a", "c"]), 3),
            "only the first has the row b",
        ),
        (lambda: find_differences(NEGATIVE, COUNTS, law="counts"), "go down to -1: use law = 'values'"),
        (lambda: find_differences(COUNTS / 3, COUNTS, law="counts"), "are not all whole"),
        (lambda: find_differences(COUNTS, 0 * COUNTS), "the second matrix holds no count above 0"),
        (lambda: find_differences(COUNTS, COUNTS * np.nan), "no entry was measured in both"),
        (
            lambda: find_differences(sp.eye_array(4), sp.eye_array(4, k=1), 3, unstored="missing"),
            "store no common entry",
        ),
        (lambda: find_differences(np.where(COUNTS > 25, np.inf, 0.5), COUNTS), "needs finite entries"),
        (lambda: find_differences(np.ones((1, 5)), np.ones((1, 5))), "windows of 9 x 9 do not fit"),
        (lambda: find_differences(COUNTS, COUNTS, rate=0), "rate must be a number above 0"),
        (lambda: find_differences(COUNTS, COUNTS, around=2), "around must be an odd number"),
        (lambda: find_differences(COUNTS, COUNTS, around=3, mode="graph"), "needs an order"),
        (lambda: find_differences(COUNTS, COUNTS, law="poisson"), "law must be one of"),
        (lambda: find_differences(COUNTS, COUNTS, separation=3), "is called min_distance now"),
        (lambda: find_differences("a.npy", COUNTS), "given as the path"),
    ],
)
def test_a_wrong_pair_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    raised = COUNTS.copy()
    raised[9:12, 20:23] *= 4
    raised[20:23, 9:12] *= 4
    np.save(folder / "a.npy", COUNTS)
    np.save(folder / "b.npy", raised)
    return folder


def test_the_command_writes_the_same_table_in_every_format_and_a_picture(files, capsys):
    call = ["differ", str(files / "a.npy"), str(files / "b.npy")]
    assert main([*call, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["gained"] == 1 and printed["law"] == "counts"
    for name in ("t.json", "t.csv", "t.parquet"):
        for _ in range(2):  # a table of our own is replaced
            assert main([*call, "--out", str(files / name), "--picture", str(files / "t.svg")]) == 0
    assert "1 gained" in capsys.readouterr().out
    assert json.loads((files / "t.json").read_text()) == printed["rows"]
    assert pq.read_table(files / "t.parquet").to_pylist() == printed["rows"]
    with (files / "t.csv").open() as file:
        assert [row["change"] for row in csv.DictReader(file)] == [row["change"] for row in printed["rows"]]


def test_lists_of_named_nodes_are_graphs_and_the_order_of_their_lines_does_not_matter(tmp_path, capsys):
    rng, answers = np.random.default_rng(0), []
    edges = [(f"n{i}", f"n{j}", rng.poisson(40)) for i in range(12) for j in range(i + 1, 12)]
    second = [(u, v, weight * 4 if u == "n3" and v == "n7" else weight) for u, v, weight in edges]
    for seed in range(3):
        for name, one in (("a", edges), ("b", second)):
            lines = [",".join(map(str, one[at])) for at in np.random.default_rng(seed).permutation(len(one))]
            (tmp_path / f"{name}.csv").write_text("\n".join(["source,target,weight", *lines]))
        call = ["differ", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
        assert main([*call, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["mode"] == "graph"
        answers.append(sorted((*sorted((row["row"], row["column"])), row["change"]) for row in found["rows"]))
    assert answers[0] and answers[1:] == answers[:1] * 2
    for more, note in ((["--k", "5"], "--k asks for windows: mode ordered"), ([], "mode graph; --mode ordered")):
        assert main([*call, *more]) == 0
        assert note in capsys.readouterr().out


def test_the_command_refuses_wrong_input_with_status_2_and_overwrites_nothing(files, capsys):
    call = ["differ", str(files / "a.npy"), str(files / "b.npy")]
    (files / "foreign.csv").write_text("mine\n")
    for wrong in (["--rate", "2"], ["--out", str(files / "foreign.csv")], ["--out", str(files / "a.npy")],
                  ["--k", "4"], ["--steps", "nothing"], ["--mode", "graph", "--around", "3"]):  # fmt: skip
        assert main([*call, *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (files / "foreign.csv").read_text() == "mine\n"


def test_sums_around_a_place_end_at_breaks():
    ones, places = np.ones((8, 8)), (np.array([3, 4]), np.array([6, 1]))
    assert window_sums(as_source(ones), *places, 3, upper=False)[0].tolist() == [9, 9]
    assert window_sums(as_source(ones, breaks=([4], [4])), *places, 3, upper=False)[0].tolist() == [6, 6]


def test_breaks_are_those_of_the_search_in_the_sum_and_of_both_matrices():
    rng = np.random.default_rng(0)
    a, b = (rng.poisson(20, (24, 24)) for _ in range(2))
    found = find_differences(a, b, 3, breaks=([10], [10]))
    maxima = find_maxima(a + b, 3, breaks=([10], [10]), triangle="upper")
    assert sorted(zip(found.rows.tolist(), found.columns.tolist(), strict=True)) == sorted(
        (row, column) for row, column, _ in maxima
    )
    edge = [(row, column) for row, column, _ in maxima if row == 9 and column < 9]
    assert edge  # next to the break
    row, column = edge[0]
    (first, _), place = found.around, [*zip(found.rows, found.columns, strict=True)].index((row, column))
    assert first[place] == a[row - 1 : row + 1, max(0, column - 1) : column + 2].sum()


def genome_pair():
    """Draw two maps of two chromosomes, with bins and breaks."""
    bins, rng = genome_matrix(), np.random.default_rng(0)
    return [bins._replace(matrix=symmetric_counts(np.full((SIDE, SIDE), 5.0), rng) + 4 * bins.matrix) for _ in range(2)]


def listed_in(found):
    return sorted(zip(found.rows.tolist(), found.columns.tolist(), found.p.tolist(), strict=True))


@pytest.mark.parametrize("options", [{}, {"contacts": "cis"}, {"distance": "20kb:90kb"}, {"region": "chr2"}])
def test_chromosomes_of_the_second_map_may_come_in_another_sequence(options):
    a, b = genome_pair()
    order = np.roll(np.arange(SIDE), -FIRST)  # chr2 before chr1
    names = tuple(np.array(b.names[0])[order].tolist())
    bins = GenomeBins(("chr2", "chr1"), 1 - BINS.chromosome[order], BINS.start[order], BINS.end[order])
    rolled = NamedMatrix(b.matrix[np.ix_(order, order)], (names, names), breaks=([SIDE - FIRST],) * 2, bins=bins)
    expected = listed_in(find_differences(a, b, 5, **options))
    assert expected and listed_in(find_differences(a, rolled, 5, **options)) == expected


@pytest.mark.parametrize("options", [{}, {"contacts": "cis"}, {"distance": "20kb:90kb"}])
def test_a_matrix_that_says_nothing_of_chromosomes_has_those_of_the_map_beside_it(options):
    a, b = genome_pair()
    expected = listed_in(find_differences(a, b, 5, **options))
    assert expected and listed_in(find_differences(a.matrix, b, 5, **options)) == expected
    assert listed_in(find_differences(a, b.matrix, 5, **options)) == expected


def test_a_threshold_is_one_of_the_sum():
    a = np.full((12, 12), 20)
    a[5, 6] = 30
    found = find_differences(a, a, 3, threshold=50)
    (place,) = zip(found.rows.tolist(), found.columns.tolist(), strict=True)
    assert place == (5, 6) and [one.tolist() for one in found.are_maxima] == [[True], [True]]


def test_depths_between_chromosomes_are_none_of_those_at_the_same_distance_within_one():
    rng, n = np.random.default_rng(0), 120
    chromosome = np.arange(n) >= n // 2
    trans = chromosome[:, None] != chromosome
    a, b = rng.poisson(40.0, (n, n)), rng.poisson(np.where(trans, 160.0, 40.0))
    first, second = (as_source(counts, breaks=([n // 2], [n // 2])) for counts in (a, b))
    depth = depth_of(first, second, by_distance=True, upper=False)
    apart = first.distances(np.array([10, 10]), np.array([50, 70]))
    assert depth.at(apart)[0] == pytest.approx([0.5, 0.2], abs=0.02)


def test_entries_that_do_not_scatter_have_finite_differences_and_no_warning():
    first = np.random.default_rng(0).poisson(20, (24, 24)) + 0.5
    second = first.copy()
    second[5:8, 14:17] += 60
    found = find_differences(first, second, 5)
    assert len(found.rise) and np.isfinite(found.rise).all() and not np.isnan(found.q).any()
