"""Groups of window transformations: orbits, dimensions of their linear maps, and the ceilings they force."""

import itertools

import numpy as np
import pytest

from gnnmax.task.symmetry_groups import GROUPS, Group, forced_ceiling, strided

SIDES = (3, 5, 9, 15)

CEILINGS = {
    "none": (1, 1, 1, 1),
    "label": (1, 1, 1, 1),
    "rooted": (1, 1, 1, 1),
    "simultaneous_rooted": (1, 1, 1, 1),
    "simultaneous": (0.8750, 0.9167, 0.9500, 0.9688),
    "row_rooted": (0.8750, 0.9167, 0.9500, 0.9688),
    "exchangeable": (0.5, 0.5, 0.5, 0.5),
    "exchangeable_transposed": (0.5, 0.5, 0.5, 0.5),
    "entries": (0.5, 0.5, 0.5, 0.5),
    "cyclic": (0.5, 0.5, 0.5, 0.5),
}


@pytest.mark.parametrize("name", CEILINGS)
def test_the_ceiling_of_each_group_is_the_stated_one(name):
    assert [round(GROUPS[name].ceiling(k), 4) for k in SIDES] == list(CEILINGS[name])


@pytest.mark.parametrize(
    ("k", "stride", "ceiling"), [(3, 3, 1), (5, 5, 1), (9, 3, 0.95), (15, 3, 0.9464), (9, 1, 0.5), (9, 9, 1)]
)
def test_a_stride_leaves_a_grid_of_entries_equally(k, stride, ceiling):
    assert round(strided(stride).ceiling(k), 4) == ceiling
    assert strided(stride).centre_orbit(k) == (k // stride) ** 2


@pytest.mark.parametrize(
    ("name", "equivariant", "invariant"),
    [
        ("exchangeable", 4, 1),
        ("exchangeable_transposed", 3, 1),
        ("rooted", 25, 4),
        ("label", 15, 3),
        ("simultaneous", 15, 2),
        ("simultaneous_rooted", 52, 5),
        ("simultaneous_edge_rooted", 151, 10),
        ("entries", 2, 1),
    ],
)
def test_the_linear_maps_that_commute_are_as_many_as_the_papers_say(name, equivariant, invariant):
    k = 7
    assert (GROUPS[name].equivariant_maps(k), GROUPS[name].invariant_maps(k)) == (equivariant, invariant)


def dimension_by_linear_algebra(group: Group, k: int) -> int:
    """Nullity of "M commutes with every generator", an independent count."""
    cells = k * k
    blocks = [np.zeros((1, cells**2))]
    for g in group.generators(k):
        p = np.eye(cells)[g]
        blocks.append(np.kron(p, np.eye(cells)) - np.kron(np.eye(cells), p.T))
    return cells**2 - int(np.linalg.matrix_rank(np.concatenate(blocks)))


@pytest.mark.parametrize("name", GROUPS)
def test_orbits_on_pairs_count_what_linear_algebra_counts(name):
    assert GROUPS[name].equivariant_maps(3) == dimension_by_linear_algebra(GROUPS[name], 3)


def moved(windows: np.ndarray, cells: np.ndarray) -> np.ndarray:
    return windows.reshape(len(windows), -1)[:, cells].reshape(windows.shape)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("k", [3, 5])
def test_generators_are_permutations_and_flags_say_what_they_hold(name, k):
    group = GROUPS[name]
    moves = group.generators(k)
    assert all(sorted(move) == list(range(k * k)) for move in moves)
    for flag, wanted in (("relabelling", "rooted"), ("transposition", None), ("translation", "cyclic")):
        if not getattr(group, flag):
            continue
        held = {tuple(move) for move in closure(moves, k * k)} if k == 3 and name != "entries" else None
        extra = [np.arange(k * k).reshape(k, k).T.ravel()] if wanted is None else GROUPS[wanted].generators(k)
        if held is not None:
            assert {tuple(move) for move in extra} <= held


def closure(moves: list[np.ndarray], size: int) -> list[np.ndarray]:
    """All elements of the group, by multiplication until closure."""
    found, waiting = {tuple(range(size))}, [tuple(range(size))]
    while waiting:
        element = waiting.pop()
        for move in moves:
            product = tuple(np.array(element)[move].tolist())
            if product not in found:
                found.add(product)
                waiting.append(product)
    return [np.array(element) for element in found]


@pytest.mark.parametrize(
    ("name", "order"),
    [("none", 1), ("rooted", 4), ("label", 8), ("simultaneous", 6), ("exchangeable", 36), ("cyclic", 9)],
)
def test_at_side_3_the_groups_have_the_stated_order(name, order):
    assert len(closure(GROUPS[name].generators(3), 9)) == order


def test_the_flags_that_are_not_set_are_rightly_not_set():
    for name, flag in itertools.product(
        ("none", "simultaneous", "simultaneous_rooted"), ("relabelling", "translation")
    ):
        assert not getattr(GROUPS[name], flag)
    held = {tuple(move) for move in closure(GROUPS["rooted"].generators(3), 9)}
    assert tuple(np.arange(9).reshape(3, 3).T.ravel()) not in held
    assert not {tuple(move) for move in GROUPS["cyclic"].generators(3)} <= held


def test_only_labels_own_group_and_smaller_ones_allow_every_window_to_be_told():
    assert forced_ceiling(1, 9) == 1.0
    assert forced_ceiling(81, 9) == 0.5
    assert all(forced_ceiling(o, 9) > forced_ceiling(o + 1, 9) for o in range(1, 81))
