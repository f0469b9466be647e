"""Rows and columns that share nodes: only if the recipe says so, and a mirrored entry is a tie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnnmax import InputError, build, load_recipe
from gnnmax.data.generation import generate_graph
from gnnmax.data.store import write_dataset
from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import CUTS, centres
from gnnmax.data.verification import check_windows_of, verify

SEEDS = st.integers(0, 2**32 - 1)
MAP = load_recipe("contact-11").replace(
    k=5,
    splits={"test": 2},
    plant={"type": "natural"},
    kinds=None,
    windows_per_graph=None,
    **{"hosts.0.nodes": 24, "hosts.0.domains": 3, "hosts.1.nodes": 24},
)
KARATE = load_recipe("real-karate")
DIRECTED = load_recipe("tiny").replace(
    hosts=[{"type": "erdos_renyi", "nodes": 48, "probability": 0.5, "directed": True}], overlap="tied"
)


def near(windows):
    """Whether both ends of the centre are rows and both are columns: the mirror of the centre is inside."""
    half = windows.k // 2
    row, column = windows.rows[:, half, None], windows.columns[:, half, None]
    return (windows.columns == row).any(axis=1) & (windows.rows == column).any(axis=1)


def met(windows):
    return np.array(
        [bool(set(r) & set(c)) for r, c in zip(windows.rows.tolist(), windows.columns.tolist(), strict=True)]
    )


@pytest.mark.parametrize("recipe", [MAP, KARATE])
def test_rows_and_columns_overlap_by_choice_alone(recipe):
    none, untied, tied = (build(recipe.replace(overlap=name)).test for name in ("none", "untied", "tied"))
    assert not met(none).any()
    assert met(untied).any() and not near(untied).any()
    assert near(tied).any()


@pytest.mark.parametrize("recipe", [MAP, KARATE])
def test_a_centre_whose_mirror_is_inside_is_tied_and_so_never_centred(recipe):
    windows = build(recipe.replace(overlap="tied")).test
    assert not windows.label[near(windows)].any()
    highest = windows.values.max(axis=(1, 2)) == windows.values[:, windows.k // 2, windows.k // 2]
    assert (windows.kind[near(windows) & highest] == "tied").all()
    assert build(recipe.replace(overlap="untied")).test.label.any()  # the control


def test_tiles_of_a_contact_map_reach_its_diagonal():
    windows = build(MAP.replace(overlap="tied")).test
    apart = np.abs(windows.rows[:, 2] - windows.columns[:, 2])
    assert apart.min() == 1
    assert np.abs(build(MAP).test.rows[:, 2] - build(MAP).test.columns[:, 2]).min() == 5
    first = windows[(windows.graph == 0) & (apart == 1)]
    for rows, columns, values in zip(first.rows, first.columns, first.values, strict=True):
        assert (values[rows[:, None] == columns] == 0).all()  # no node joins itself
        inner = values[1:, :-1]  # rows and columns are the same nodes there
        np.testing.assert_array_equal(inner, inner.T)
    assert len(first) == 19  # 24 nodes have 23 pairs of neighbours, and two places at either end are border


@given(SEEDS, st.sampled_from(["untied", "tied"]))
def test_each_side_has_the_nearest_of_its_own_end(seed, overlap):
    rng = np.random.default_rng(seed)
    edge_mask = np.triu(rng.random((12, 12)) < 0.4, 1)
    edge_mask |= edge_mask.T
    weights = np.triu(rng.random((12, 12)), 1).astype(np.float32)
    subgraph = Subgraph(np.arange(12), edge_mask * (weights + weights.T), edge_mask)
    middle = centres(subgraph, 7, "neighbours", overlap)
    assert len(middle) == edge_mask.sum()
    assert len(centres(subgraph, 7, "neighbours")) == 0  # the control: 12 nodes are fewer than twice 7
    rows, columns = CUTS["neighbours"](subgraph, middle, 7, overlap)
    turned = CUTS["neighbours"](subgraph, middle[:, ::-1], 7, overlap)
    np.testing.assert_array_equal(turned, (columns, rows))  # no side chooses first
    for side, end, other in ((rows, 0, 1), (columns, 1, 0)):
        for (own, away), nodes in zip(middle[:, [end, other]].tolist(), side.tolist(), strict=True):
            assert len(set(nodes)) == 7 and nodes[3] == own
            heaviest = np.argsort(-subgraph.adjacency[own])[: int(edge_mask[own].sum())].tolist()
            allowed = [node for node in heaviest if overlap == "tied" or node != away]
            assert set(allowed[:6]) <= set(nodes)
            assert overlap == "tied" or away not in nodes


def test_planted_windows_of_a_directed_host_may_overlap(tmp_path):
    data = build(DIRECTED)
    assert met(data.train).any()
    assert data.train.label.mean() == 0.5
    assert all(check.holds for check in verify(write_dataset(DIRECTED, tmp_path / "data")))


@pytest.mark.parametrize("overlap", ["untied", "tied"])
def test_overlapping_windows_are_stored_and_verified(overlap, tmp_path):
    for name, recipe in (("map", MAP), ("karate", KARATE)):
        folder = write_dataset(recipe.replace(overlap=overlap, contexts=True), tmp_path / name)
        assert all(check.holds for check in verify(folder))


def failing(recipe, windows):
    return [check.claim for check in check_windows_of(recipe, "test", windows) if not check.holds]


def test_an_overlap_that_the_recipe_does_not_state_is_found():
    tied = build(MAP.replace(overlap="tied")).test
    for stated in ("none", "untied"):
        found = failing(MAP.replace(overlap=stated), tied)
        assert "rows and columns are different nodes, or overlap as stated" in found


def test_a_mirrored_entry_that_differs_is_found():
    recipe = MAP.replace(overlap="tied")
    windows = build(recipe).test
    place = np.flatnonzero(np.abs(windows.rows[:, 2] - windows.columns[:, 2]) == 1)[0]
    values = windows.values.copy()
    values[place, 1, 2] *= 0.5
    changed = type(windows)(**{**windows.arrays(), "values": values})
    assert "mirrored entries are equal unless the host is directed" in failing(recipe, changed)
    assert failing(recipe, windows) == []


def test_a_split_can_overlap_by_itself():
    shift = {"overlap": "tied", "plant": {"type": "natural"}}
    recipe = load_recipe("tiny").replace(splits={"train": 2, "test": 1, "near": 1}, shifts={"near": shift})
    data = build(recipe)
    assert met(data.split("near")).any()
    assert not met(data.test).any()
    assert recipe.shifts["near"].sort == "covariate"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"overlap": "untied"}, "which occurs twice"),
        ({"overlap": "some"}, "Invalid enum value"),
        ({"overlap": "tied", "hosts": [{"type": "complete"}], "subgraphs": [], "cuts": []}, "no overlap"),
    ],
)
def test_an_overlap_that_does_not_fit_is_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        load_recipe("tiny").replace(**changes)


def test_recipes_without_overlap_keep_their_digest_and_windows():
    tiny = load_recipe("tiny")
    assert tiny.replace(overlap="none").digest == tiny.digest
    assert DIRECTED.digest != DIRECTED.replace(overlap="none").digest
    plain = [generate_graph(DIRECTED.replace(overlap=name), 0).values for name in ("none", "tied")]
    assert not np.array_equal(*plain)
