"""Hidden blocks: strength, borders, state evolution, and problems in unit noise."""

import math

import numpy as np
import pytest

from gnnmax import InputError, Maps, build
from gnnmax.task.block_scores import amp, block_overlaps, problem_of
from gnnmax.task.blocks import BlockProblem, block_borders, block_strength, state_evolution
from tests.support.maps import BLOCK, BLOCKS, map_recipe


def test_the_strength_of_a_rectangle_is_that_of_its_transpose_and_of_a_square_is_the_textbooks():
    assert block_strength(0.3, (20, 30), (500, 700)) == block_strength(0.3, (30, 20), (700, 500))
    assert block_strength(0.5, (80, 80), (4_000, 4_000)) == 0.5**2 * 80**2 / 4_000


def test_the_borders_are_those_of_the_theorems():
    borders = block_borders(4_000, 80)
    assert borders["amp"] * math.e == borders["eigenvector"] == 1
    assert borders["scan"] == 4 * math.log(4_000) / 4_000
    assert list(borders.values()) == sorted(borders.values())


@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-4])
def test_state_evolution_jumps_near_one_over_e_the_nearer_the_smaller_the_block(share):
    grid = np.geomspace(0.2, 0.8, 40)
    found = np.array([state_evolution(strength, share, 200)[-1] for strength in grid])
    assert (np.diff(found) > -1e-12).all()
    border = grid[np.argmax(found > 0.5)]
    assert 1 / math.e < border < 1.04 * (1 + 1.3 * share**0.5) / math.e  # the grid steps by 3.6 %
    assert found[0] < 0.1 < 0.9 < found[-1]


def test_state_evolution_predicts_the_messages_of_a_large_matrix_step_by_step():
    n, nodes, strength = 1_500, 150, 1.2
    table = {"n": n, "plant": {**BLOCK, "amplitude": math.sqrt(strength * n) / nodes, "nodes": nodes}}
    maps = build(map_recipe(4, **table)).test
    expected = state_evolution(strength, nodes / n, 30)
    problems = [problem_of(maps[index]) for index in range(4)]
    for steps in (1, 2, 3, 5, 30):
        scores = np.stack([amp(problem, steps)[0] for problem in problems])
        assert abs(block_overlaps(scores, maps).mean() - expected[steps - 1]) < 0.05, steps
    assert expected[29] - expected[0] > 0.4


@pytest.mark.parametrize("name", BLOCKS)
def test_a_problem_has_unit_noise_and_a_block_of_its_amplitude(name):
    table = {**BLOCKS[name], "n": 200, "order": "natural", "peaks": 1}
    table |= {"columns": 260} if "columns" in table else {}
    maps = build(map_recipe(1, **table)).test
    problem = problem_of(maps)
    block = maps.row_block[0][:, None] & maps.column_block[0]
    noise = ~block & ~np.eye(*block.shape, dtype=bool) if problem.symmetric else ~block
    assert abs(problem.values[noise].mean()) < 0.02
    assert abs(problem.values[noise].std() - 1) < 0.02
    inside = problem.values[block & (~np.eye(*block.shape, dtype=bool) if problem.symmetric else True)]
    deviation = 3 if maps.model.law == "poisson" else 1
    assert abs(inside.mean() - problem.amplitude) < 5 * deviation * math.sqrt(2 / inside.size)
    assert np.array_equal(problem.values, problem.values.T) == problem.symmetric
    spec = map_recipe(1, **table).map
    assert math.isclose(problem.strength, spec.strengths[spec.plant.levels.index(maps.block_amplitude[0])])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: state_evolution(0.0, 0.1), "a strength above 0"),
        (lambda: state_evolution(0.5, 0.5), "a share between 0 and 0.5"),
        (lambda: state_evolution(math.nan, 0.1), "a strength above 0"),
        (lambda: state_evolution(0.5, 0.1, 0), "at least one step"),
        (lambda: block_borders(10, 5), "fewer than half of the 10 nodes"),
        (lambda: BlockProblem.of(np.eye(4), size=4, amplitude=1.0), "smaller than its matrix"),
        (lambda: BlockProblem.of(np.eye(4), size=0, amplitude=1.0), "smaller than its matrix"),
        (lambda: BlockProblem.of(np.eye(4), size=2, amplitude=0.0), "finite and above 0"),
        (lambda: BlockProblem.of(np.eye(4), size=2, amplitude=math.nan), "finite and above 0"),
        (lambda: BlockProblem.of(np.ones(4), size=2, amplitude=1.0), "one matrix, not in an array of shape"),
        (lambda: BlockProblem.of(np.eye(4, k=1), size=2, amplitude=1.0), "pass a symmetric one"),
        (lambda: BlockProblem.of(np.ones((4, 5)), size=2, amplitude=1.0), "pass a symmetric one"),
        (lambda: problem_of(Maps.from_values(np.eye(4), structure="symmetric")), "need the size of the block"),
    ],
)
def test_one_line_says_what_is_wrong(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
