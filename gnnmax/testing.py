"""Assertions for your own test suite: does a scorer have the symmetry that the task needs?

Each raises AssertionError with the smallest counter-example. Use your own windows, or :func:`sample_windows`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.battery import audit
from gnnmax.auditing.findings import Audit
from gnnmax.auditing.node_order import Call, NodeTrial
from gnnmax.auditing.rounding import rounding_floor
from gnnmax.errors import InputError
from gnnmax.evaluation.adapters import as_scorer
from gnnmax.task.scorers import Scorer, checked_scores
from gnnmax.task.windows import Windows

__all__ = [
    "assert_node_permutation_equivariant",
    "assert_node_permutation_invariant",
    "assert_translation_sensitive",
    "assert_window_invariant",
    "check_scorer",
    "sample_windows",
]


def sample_windows(k: int = 9, n: int = 200, *, rng: np.random.Generator, contexts: bool = False) -> Windows:
    """Draw windows of noise with a spike, at the centre in half of them, elsewhere in the others.

    Args:
        k: Side, odd and at least 3.
        n: Number of windows.
        rng: The only source of randomness.
        contexts: Whether they have contexts: noise, symmetric and without loops.

    Example:
        >>> w = sample_windows(5, 10, rng=np.random.default_rng(0))
        >>> w.label.tolist()[:4], w.k
        ([True, False, True, False], 5)
    """
    if k < 3 or k % 2 == 0:
        raise InputError(f"a window's side k must be odd and at least 3, not {k}: otherwise it has no centre entry")
    values = rng.uniform(0.1, 1.0, size=(n, k * k))
    place = rng.integers(1, k * k, size=n)
    place = np.where(np.arange(n) % 2, (k * k // 2 + place) % (k * k), k * k // 2)
    values[np.arange(n), place] += 1.0
    windows = Windows.from_values(values.reshape(n, k, k).astype(np.float32))
    if not contexts:
        return windows
    rows, columns = _context(n, k, rng), _context(n, k, rng)
    return dataclasses.replace(windows, row_context=rows, column_context=columns)


def _context(n: int, k: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    upper = np.triu(rng.uniform(size=(n, k, k)), 1)
    return (upper + upper.transpose(0, 2, 1)).astype(np.float32)


def assert_window_invariant(
    scorer: Any,
    windows: Windows,
    transformation: str = "relabelling",
    *,
    rng: np.random.Generator,
    tolerance: float = 1e-5,
    any_k: bool = False,
) -> None:
    """Assert that no score changes under a transformation, and that the scorer is not constant.

    Args:
        scorer: As for :func:`~gnnmax.auditing.battery.audit`.
        windows: Windows to transform.
        transformation: A key of :data:`~gnnmax.auditing.transformations.TRANSFORMATIONS`.
        rng: Draws the elements.
        tolerance: Share of the range of the scores that counts as rounding.
        any_k: Whether the scorer takes windows of any odd side: counter-examples may then be smaller.

    Raises:
        AssertionError: with the smallest counter-example; or every score is the same.
        InputError: as for the audit.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = sample_windows(5, rng=np.random.default_rng(0))
        >>> assert_window_invariant(RULES["argmax"], w, rng=np.random.default_rng(0))
    """
    report = audit(scorer, windows, rng=rng, transformations=[transformation], tolerance=tolerance, any_k=any_k)
    finding = report[transformation]
    if finding != "invariant":
        shown = "" if finding.smallest is None else f"\n{finding.smallest}"
        raise AssertionError(f"not invariant under {transformation}, {finding}{shown}")
    _refuse_constant(report)


def assert_translation_sensitive(
    scorer: Any, windows: Windows, *, rng: np.random.Generator, tolerance: float = 1e-5
) -> None:
    """Assert that a scorer responds when the window moves, by a step over its subgraph and cyclically.

    Args:
        scorer: As for :func:`~gnnmax.auditing.battery.audit`.
        windows: Windows to move.
        rng: Draws the steps.
        tolerance: Share of the range of the scores that counts as rounding.

    Raises:
        AssertionError: no score changes, as for a constant scorer.
        InputError: as for the audit.

    Example:
        >>> w = sample_windows(5, rng=np.random.default_rng(0))
        >>> assert_translation_sensitive(lambda w: w.values.max(axis=(1, 2)), w, rng=np.random.default_rng(0))
        Traceback (most recent call last):
        ...
        AssertionError: ignores translation, ignores roll: no score of ... windows changed
    """
    report = audit(scorer, windows, rng=rng, transformations=["translation", "roll"], tolerance=tolerance)
    if report.faults:
        raise AssertionError(f"{', '.join(report.faults)}: no score of {report['roll'].windows} windows changed")


def check_scorer(
    scorer: Any,
    windows: Windows,
    *,
    rng: np.random.Generator,
    threshold: float = 0.0,
    tolerance: float = 1e-5,
    any_k: bool = False,
) -> Audit:
    """Assert every property that a scorer must have, except that it is accurate.

    It returns one finite score for each window, and the same scores for the same windows. A score depends on its window
    alone, not on the other windows of a batch. It leaves the windows unchanged. It has the label's symmetry.

    Args:
        scorer: As for :func:`~gnnmax.auditing.battery.audit`.
        windows: Windows to score and to transform.
        rng: Draws the elements.
        threshold: A window is called centred iff its score is strictly above.
        tolerance: Share of the range of the scores that counts as rounding.
        any_k: Whether the scorer takes windows of any odd side: counter-examples may then be smaller.

    Returns:
        The audit.

    Raises:
        AssertionError: a property is missing, with all faults and the smallest counter-examples.
        InputError: no scorer, or not one finite score for each window.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = sample_windows(5, rng=np.random.default_rng(0))
        >>> check_scorer(RULES["argmax"], w, rng=np.random.default_rng(0)).conclusion
        'right symmetry'
    """
    scored = as_scorer(scorer)
    faults = _misbehaviour(scored, windows, tolerance)
    report = audit(scored, windows, rng=rng, threshold=threshold, tolerance=tolerance, any_k=any_k)
    if report.conclusion != "right symmetry":
        faults.append(str(report))
    if faults:
        raise AssertionError("\n".join(faults))
    return report


def _misbehaviour(scorer: Scorer, windows: Windows, tolerance: float) -> list[str]:
    """List the faults that show before any window is transformed."""
    n = len(windows)
    kept = {name: array.copy() for name, array in windows.arrays().items()}
    first = checked_scores(scorer, windows, n)
    again = checked_scores(scorer, windows, n)
    apart = np.concatenate([checked_scores(scorer, windows[i], 1) for i in range(min(n, 20))])
    backwards = checked_scores(scorer, windows[::-1], n)[::-1]
    floor = rounding_floor(first, tolerance=tolerance)
    faults = {
        "it changes the windows that it is given": any(
            not np.array_equal(array, kept[name], equal_nan=True) for name, array in windows.arrays().items()
        ),
        "scored twice, the same windows have other scores": bool((first != again).any()),
        "a window's score depends on the windows beside it": bool(
            (np.abs(first - backwards) > floor).any() or (np.abs(first[: len(apart)] - apart) > floor).any()
        ),
    }
    return [fault for fault, found in faults.items() if found]


def _refuse_constant(report: Audit) -> None:
    if report.constant:
        raise AssertionError("every score is the same: a constant scorer has any symmetry, and no information")


def assert_node_permutation_invariant(
    module: Any, data: Any, *, rng: np.random.Generator, call: Call | None = None, tolerance: float = 1e-5
) -> None:
    """Assert that the output of a graph net does not depend on the order of the nodes.

    Args:
        module: A torch_geometric module with one output for each graph.
        data: A ``Data`` of torch_geometric, or an object with ``x``, shape ``(nodes, channels)``, and ``edge_index``,
            shape ``(2, edges)``. Node attributes are renumbered with ``x``.
        rng: Draws the order.
        call: Takes data, returns the output; None calls ``module(x, edge_index)``.
        tolerance: Share of the spread of the outputs that counts as rounding.

    Raises:
        AssertionError: the output changes; the message names two nodes whose exchange shows it.
        InputError: no such data.

    Example:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> graph = SimpleNamespace(x=torch.arange(3.0)[:, None], edge_index=torch.tensor([[0, 1], [1, 2]]))
        >>> total = lambda x, edges: (x[edges[0]] * x[edges[1]]).sum()
        >>> assert_node_permutation_invariant(total, graph, rng=np.random.default_rng(0))
        >>> assert_node_permutation_invariant(lambda x, edges: x[0], graph, rng=np.random.default_rng(0))
        Traceback (most recent call last):
        ...
        AssertionError: the output notices the order of the nodes: nodes 0 and 1 exchanged, they differ by 1
    """
    _assert_nodes(module, data, rng, call=call, tolerance=tolerance, moves=False)


def assert_node_permutation_equivariant(
    module: Any, data: Any, *, rng: np.random.Generator, call: Call | None = None, tolerance: float = 1e-5
) -> None:
    """Assert that the outputs of a graph net, one for each node, move with the nodes.

    Args:
        module: A torch_geometric module with outputs whose first axis is the nodes.
        data: As for :func:`assert_node_permutation_invariant`.
        rng: Draws the order.
        call: Takes data, returns the output; None calls ``module(x, edge_index)``.
        tolerance: Share of the spread of the outputs that counts as rounding.

    Raises:
        AssertionError: the outputs do not move with the nodes; the message names two nodes whose exchange shows it.
        InputError: no such data.
    """
    _assert_nodes(module, data, rng, call=call, tolerance=tolerance, moves=True)


def _assert_nodes(
    module: Any, data: Any, rng: np.random.Generator, *, call: Call | None, tolerance: float, moves: bool
) -> None:
    trial = NodeTrial(module, data, moves=moves, call=call, tolerance=tolerance)
    largest = max((trial.error(rng.permutation(trial.nodes)) for _ in range(5)), default=0.0)
    fault = "the outputs do not move with the nodes" if moves else "the output notices the order of the nodes"
    for node in range(trial.nodes - 1):  # exchanges of neighbours generate every order
        error = trial.error(trial.exchange(node, node + 1))
        if error:
            raise AssertionError(f"{fault}: nodes {node} and {node + 1} exchanged, they differ by {error:.3g}")
    if largest:
        raise AssertionError(f"{fault}: in another order they differ by {largest:.3g}")
