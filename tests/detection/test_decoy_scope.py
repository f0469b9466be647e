"""Decoys hold only the entries that the filters by place leave, so large matrices have some too."""

import numpy as np
import pytest
import scipy.sparse as sp

from gnnmax.cli.main import main
from gnnmax.detection import decoy_scope, false_discovery
from gnnmax.detection.decoy_scope import entries_in, needed_scopes, scope_of
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix_input import NamedMatrix
from gnnmax.detection.search import prepare_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.errors import InputError

N = 60
BREAKS = ([25, 43], [25, 43])


def counts(seed=0, *, symmetric=True, width=N):
    """Counts that fall off with distance, 0 beyond a width."""
    rng, place = np.random.default_rng(seed), np.arange(N)
    apart = np.abs(np.subtract.outer(place, place))
    drawn = rng.poisson(30 / (1 + apart)) * (apart < width)
    return np.triu(drawn) + np.triu(drawn, 1).T if symmetric else drawn


def needed_entries(source, options, *, zeros):
    """The entries that decoys need, of a matrix whose decoys are drawn together."""
    (scope,) = needed_scopes(source, options, zeros=zeros)
    return entries_in(source, scope)


def held(source):
    """The entries that a matrix measures, pairs once: a dictionary."""
    return {
        (i, j): value
        for values, rows, columns in source.measured(once=True)
        for i, j, value in zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True)
        if i <= j or not source.undirected
    }


FORMS = {
    "dense": lambda matrix, lost: (np.where(lost[:, None] | lost, np.nan, matrix.astype(float)), {}),
    "sparse": lambda matrix, lost: (sp.csr_array(matrix), {"missing": (lost, lost)}),
    "stored alone": lambda matrix, lost: (sp.csr_array(matrix), {"missing": (lost, lost), "unstored": "missing"}),
}


def test_maxima_across_bins_that_were_left_out_of_a_chromosome_have_surroundings():
    place, rng = np.arange(90), np.random.default_rng(0)
    apart = np.abs(place[:, None] - place)
    bump = 40 * np.exp(-((place - 35)[:, None] ** 2 + (place - 55) ** 2) / 4)
    drawn = np.triu(rng.poisson(200 / (1 + apart) + bump))
    start = 10_000 * np.where(place < 45, place, place + 5)
    bins = GenomeBins(("chr1",), np.zeros(90, dtype=int), start, start + 10_000)
    matrix = NamedMatrix(drawn + np.triu(drawn, 1).T, None, breaks=(bins.borders(),) * 2, bins=bins)
    statistics = []
    for kept in ({}, {"contacts": "cis"}, {"distance": "100kb:400kb"}):
        found = false_discovery(matrix, 5, decoys="distance", rng=np.random.default_rng(1), **kept)
        places = [place[:2] for place in found.maxima]
        statistics.append(found.statistic[places.index((35, 55))])
        assert (found.statistic != 0).all()
    assert statistics[0] == statistics[1] and min(statistics) > 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("breaks", [None, BREAKS])
def test_the_entries_within_a_distance_are_held_and_no_others(form, symmetric, breaks):
    matrix, lost = counts(symmetric=symmetric), np.random.default_rng(1).random(N) < 0.1
    given, more = FORMS[form](matrix, lost)
    options = SearchOptions(3, distance=(2, 9), breaks=breaks, **more)
    source = prepare_matrix(given, options)
    scope = scope_of(source, options)
    assert (scope.margin, scope.apart) == (1 + 3, 9 + 2 * 4)
    part = np.searchsorted([25, 43], np.arange(N), "right") * (breaks is not None)
    expected = {
        (i, j): float(matrix[i, j])
        for i in range(N)
        for j in range(i if symmetric else 0, N)
        if abs(i - j) <= 17 and part[i] == part[j] and not (lost[i] or lost[j])
        if matrix[i, j] or form != "stored alone"
    }
    assert held(needed_entries(source, options, zeros=True)) == expected
    assert scope.number(source) == len(expected) or form == "dense"  # single missing entries are not known beforehand


def test_a_region_limits_rows_and_columns_and_base_pairs_limit_places():
    start = np.concatenate([np.arange(40) * 10, np.arange(20) * 10])
    bins = GenomeBins(("a", "b"), np.repeat([0, 1], [40, 20]), start, start + 10)
    source = prepare_matrix(counts().astype(float), SearchOptions(3, breaks=([40], [40])))
    source = type(source)(**{**vars_of(source), "bins": bins})
    scope = scope_of(source, SearchOptions(3, region="a:100-200", distance="20bp:60bp"))
    assert (scope.first, scope.last, scope.apart) == (10 - 4, 20 + 4, 6 + 8)
    assert scope.parts.inner[0].tolist() == [40]
    assert scope_of(source, SearchOptions(3, contacts="cis")).number(source) == 40 * 41 // 2 + 20 * 21 // 2
    limited = held(needed_entries(source, SearchOptions(3, region="a:100-200"), zeros=True))
    assert set(limited) == {(i, j) for i in range(6, 24) for j in range(i, 24)}


def vars_of(source):
    """The fields of a matrix that is read."""
    return {name: getattr(source, name) for name in source.__dataclass_fields__}


@pytest.mark.parametrize("decoys", ["distance", "shuffle"])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_a_range_of_distances_gives_a_large_matrix_its_decoys(decoys, form, monkeypatch):
    monkeypatch.setattr(decoy_scope, "SHUFFLED", 1000)
    matrix, place = counts().astype(float), np.arange(N)
    bump = np.round(60 * np.exp(-((place[:, None] - 20) ** 2 + (place - 26) ** 2) / 2))
    given, rng = form(matrix + bump + bump.T), np.random.default_rng(0)
    found = false_discovery(given, 3, decoys=decoys, rng=rng, distance=(3, 5), steps=("distance",))
    near = found.maxima[found.q <= 0.2]
    assert len(found.maxima) > 5 and (np.abs(found.maxima.rows - found.maxima.columns) <= 5).all()
    assert len(near) == 0 or decoys == "distance"
    found = false_discovery(given, 3, decoys=decoys, rng=rng, distance=(3, 7), steps=("distance",))
    assert [pair[:2] for pair in found.maxima[found.q <= 0.2]] == [(20, 26)] or decoys == "shuffle"


def test_zeros_beyond_the_last_stored_distance_of_a_band_are_not_needed(monkeypatch):
    band = sp.csr_array(counts(width=6))
    whole = false_discovery(band, 3, decoys="distance", rng=np.random.default_rng(0), draws=3)
    monkeypatch.setattr(decoy_scope, "SHUFFLED", 1000)
    found = false_discovery(band, 3, decoys="distance", rng=np.random.default_rng(0), draws=3)
    assert list(found.maxima) == list(whole.maxima)
    np.testing.assert_allclose(found.statistic, whole.statistic, atol=1e-6)
    with pytest.raises(InputError, match="would hold 1,830: keep distances up to 8"):
        false_discovery(band, 3, decoys="shuffle", rng=np.random.default_rng(0))


def test_decoys_of_too_many_entries_are_refused_with_the_distances_that_fit(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(decoy_scope, "SHUFFLED", 1000)
    np.save(tmp_path / "m.npy", counts())
    call = ["detect", str(tmp_path / "m.npy"), "--k", "3", "--models", "none", "--decoys", "distance"]
    assert main(call) == 2
    said = capsys.readouterr().err
    assert "hold at most 1,000 entries, and these would hold 1,830" in said and "--distance 0:8" in said
    assert main([*call, "--distance", "0:8"]) == 0
    with pytest.raises(InputError, match="would hold 3,600: search a part of the matrix"):
        false_discovery(np.arange(3600.0).reshape(40, 90), 3, decoys="shuffle", rng=np.random.default_rng(0))


@pytest.mark.parametrize("form", FORMS)
def test_decoys_need_no_entries_between_the_parts_of_a_map(form):
    given, more = FORMS[form](counts(), np.arange(N) == 7)
    rng = np.random.default_rng(0)
    for kept in ({"distance": (2, 9)}, {"contacts": "cis"}):
        found = false_discovery(given, 3, decoys="distance", rng=rng, draws=2, breaks=BREAKS, **kept, **more)
        part = np.searchsorted([25, 43], np.stack([found.maxima.rows, found.maxima.columns]), "right")
        assert len(found.q) > 10 and np.array_equal(*part) and np.isfinite(found.statistic).all()


@pytest.mark.parametrize("form", FORMS)
def test_parts_with_many_entries_have_decoys_of_their_own(form, monkeypatch):
    lost = np.arange(N) == 7
    given, more = FORMS[form](counts(), lost)
    options = SearchOptions(3, breaks=BREAKS, distance=(2, 9), **more)
    source = prepare_matrix(given, options)
    assert len(needed_scopes(source, options, zeros=False)) == 1  # few entries are fitted together
    monkeypatch.setattr(decoy_scope, "TOGETHER", 100)
    groups = needed_scopes(source, options, zeros=False)
    assert [(group.first, group.last) for group in groups] == [(0, 25), (25, 43), (43, 60)]
    found = false_discovery(
        given, 3, decoys="distance", rng=np.random.default_rng(0), breaks=BREAKS, distance=(2, 9), **more
    )
    for first, last in ((0, 25), (25, 43), (43, 60)):
        some = slice(first, last)
        part, more = FORMS[form](counts()[some, some], lost[some])
        rng = np.random.default_rng(0)
        alone = false_discovery(part, 3, decoys="distance", rng=rng, draws=1, distance=(2, 9), **more)
        places = [(i + first, j + first) for i, j, _ in alone.maxima]
        expected = dict(zip(places, alone.statistic.tolist(), strict=True))
        inside = np.flatnonzero((found.maxima.rows >= first) & (found.maxima.rows < last))
        got = {place[:2]: found.statistic[at] for at, place in enumerate(found.maxima) if at in inside}
        assert got.keys() == expected.keys()
        np.testing.assert_allclose([got[place] for place in expected], list(expected.values()), atol=1e-9)


def test_parts_with_few_entries_stay_with_their_neighbours(monkeypatch):
    source = prepare_matrix(counts().astype(float), SearchOptions(3, breaks=([2, 30, 57], [2, 30, 57])))
    monkeypatch.setattr(decoy_scope, "TOGETHER", 300)
    groups = scope_of(source, SearchOptions(3, contacts="cis")).groups(source)
    assert [(group.first, group.last) for group in groups] == [(0, 30), (30, 60)]


def test_each_group_may_hold_as_many_entries_as_a_matrix_and_a_step_by_distance_needs_none_across(monkeypatch):
    monkeypatch.setattr(decoy_scope, "TOGETHER", 100)
    monkeypatch.setattr(decoy_scope, "SHUFFLED", 400)
    matrix, rng = counts().astype(float), np.random.default_rng(0)
    found = false_discovery(matrix, 3, decoys="distance", rng=rng, draws=1, breaks=BREAKS, steps=("distance",))
    part = np.searchsorted(BREAKS[0], np.stack([found.maxima.rows, found.maxima.columns]), "right")
    assert len(found.q) > 10 and np.array_equal(*part)
    with pytest.raises(InputError, match="would hold 1,830: keep distances up to 8"):
        false_discovery(matrix, 3, decoys="distance", rng=rng, draws=1, breaks=BREAKS)
    assert len(false_discovery(matrix, 3, decoys="distance", rng=rng, draws=1, breaks=BREAKS, distance=(0, 8)).q)
