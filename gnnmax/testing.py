"""Assertions for your own test suite: does a scorer have the symmetry that the task needs?

Each raises AssertionError with the smallest counter-example. Use your own windows, or :func:`sample_windows`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.battery import audit
from gnnmax.auditing.findings import Audit
from gnnmax.auditing.graph_nets.attributes import Role
from gnnmax.auditing.graph_nets.calling import Call, random_state_kept
from gnnmax.auditing.graph_nets.counterexample import counterexample
from gnnmax.auditing.graph_nets.trial import GraphTrial, Settings
from gnnmax.auditing.rounding import rounding_floor
from gnnmax.errors import InputError
from gnnmax.evaluation.adapters import as_scorer
from gnnmax.task.scorers import Scorer, checked_scores
from gnnmax.task.windows import Windows

__all__ = [
    "assert_permutation_equivariant",
    "assert_permutation_invariant",
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


def assert_permutation_invariant(
    module: Any,
    data: Any,
    *,
    call: Call | None = None,
    attributes: Mapping[Any, Role] | None = None,
    edge_order: bool = True,
    orders: int = 5,
    tolerance: float = 1e-5,
    rng: np.random.Generator | None = None,
) -> None:
    """Assert that the output of a graph net does not depend on the numbers of the nodes.

    Everything that refers to nodes is renumbered: node features, masks, ``edge_index`` and every other attribute that
    holds numbers of nodes, ``adj_t``. Edge attributes stay with their edges. Nodes of a batch stay in their graph. How
    attributes are read is documented at :func:`~gnnmax.auditing.graph_nets.attributes.read_layout`; the message of a
    failure lists it.

    The module is called in the mode that it is in, in float64 where it takes it: the rounding of a deep net in float32
    looks like a fault. Its mode, weights, buffers, gradients, caches and torch's random state are the same afterwards.

    Args:
        module: A torch module or a function: its output is a tensor, or tensors in tuples, lists or dictionaries.
        data: ``Data``, ``HeteroData``, or a ``Batch`` of them, of torch_geometric.
        call: Takes data, returns the output. None fills the parameters of the module by the attributes of data of the
            same names; a parameter ``data`` is the data itself.
        attributes: The role of an attribute that can be read in two ways, by its name or by ``(type, name)``:
            ``"node"``, ``"edge"``, ``"index"`` (numbers of nodes), ``"node index"`` (one for each node, and numbers of
            nodes), ``"matrix"`` (nodes by nodes), or ``"other"``.
        edge_order: Whether ``edge_index`` is listed in another order as well, sorted if it was sorted. False for a net
            that pairs the edges 2i and 2i + 1, or returns one output for each edge.
        orders: Number of random orders.
        tolerance: Share of the spread of a channel of the output that counts as rounding. The spread is measured over
            nodes, graphs, and graphs with altered features and fewer nodes.
        rng: Draws the orders; None for a fixed seed.

    Raises:
        AssertionError: the output changes: the message names two nodes whose exchange shows it, in the smallest induced
            subgraph that was found, and both outputs. Or two calls on the same data differ, or every output is the
            same.
        InputError: no such data, an attribute that can be read in two ways, or an output that is no tensor.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> graph = Data(x=torch.tensor([[1.0], [2.0], [4.0]]), edge_index=torch.tensor([[0, 1], [1, 2]]))
        >>> assert_permutation_invariant(lambda x, edge_index: (x[edge_index[0]] * x[edge_index[1]]).sum(), graph)
        >>> assert_permutation_invariant(lambda x: x[0], graph)
        Traceback (most recent call last):
        ...
        AssertionError: the output notices the order of the nodes: nodes 0 and 2 exchanged, they differ by 3
        output: [1.] becomes [4.]
        smallest graph that shows it: nodes [0, 2], edge_index []
        attributes read as node: x; index: edge_index
    """
    settings = Settings(moves=False, call=call, attributes=attributes, edge_order=edge_order, tolerance=tolerance)
    _assert_graph_net(module, data, settings, orders=orders, rng=rng)


def assert_permutation_equivariant(
    module: Any,
    data: Any,
    *,
    call: Call | None = None,
    attributes: Mapping[Any, Role] | None = None,
    edge_order: bool = True,
    orders: int = 5,
    tolerance: float = 1e-5,
    rng: np.random.Generator | None = None,
) -> None:
    """Assert that the outputs of a graph net, one for each node, move with the nodes.

    Args:
        module: As for :func:`assert_permutation_invariant`; the first axis of every output is the nodes. For
            ``HeteroData`` it returns a dictionary of outputs by node type.
        data: As for :func:`assert_permutation_invariant`.
        call: Likewise.
        attributes: Likewise.
        edge_order: Likewise.
        orders: Likewise.
        tolerance: Likewise.
        rng: Likewise.

    Raises:
        AssertionError: the outputs do not move with the nodes; otherwise as for :func:`assert_permutation_invariant`.
        InputError: outputs that are not one for each node; otherwise as for :func:`assert_permutation_invariant`.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from torch_geometric.nn import GCNConv
        >>> graph = Data(x=torch.tensor([[1.0], [2.0], [4.0]]), edge_index=torch.tensor([[0, 1], [1, 2]]))
        >>> assert_permutation_equivariant(GCNConv(1, 2), graph)
    """
    settings = Settings(moves=True, call=call, attributes=attributes, edge_order=edge_order, tolerance=tolerance)
    _assert_graph_net(module, data, settings, orders=orders, rng=rng)


def _assert_graph_net(
    module: Any, data: Any, settings: Settings, *, orders: int, rng: np.random.Generator | None
) -> None:
    if isinstance(orders, bool) or not isinstance(orders, int) or orders < 1 or not settings.tolerance >= 0:
        raise InputError(
            f"orders must be an integer and at least 1, and tolerance at least 0, not {orders!r} and "
            f"{settings.tolerance!r}: leave them out for 5 and 1e-5"
        )
    rng = np.random.default_rng(0) if rng is None else rng
    with random_state_kept():
        trial = GraphTrial(module, data, settings, rng=rng)
        if (found := trial.unrepeated) is not None:
            raise AssertionError(
                f"two calls on the same data differ by {found.size:.3g}: the net is stochastic, like dropout in "
                "training mode, and no symmetry can be tested: call module.eval(), or fix the seed in call="
            )
        shown = counterexample(trial, rng, orders=orders)
    if shown is not None:
        raise AssertionError(str(shown))
    if trial.constant:
        raise AssertionError(
            "every output is the same, for other node features and for fewer nodes too: a constant has every symmetry, "
            "and shows nothing"
        )
