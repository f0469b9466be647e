"""The scorers of the table ``order``: rules of blocks and trained nets, and the strengths of their blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes
from torch import nn

from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.reproduction.block_training import (
    BLOCK_TRAININGS,
    BlockTraining,
    node_scores,
    ready,
    trained_on_blocks,
)
from gnnmax.experiments.reproduction.cells import Key
from gnnmax.io.atomic import write_file
from gnnmax.io.reading import FileKind
from gnnmax.models.nodes.registry import NODE_MODELS, build_node_model
from gnnmax.models.nodes.unrolled_sweep import unrolled_at_heights
from gnnmax.task.block_scores import Scores, amp, degrees, eigenvector, refined_eigenvector, scan
from gnnmax.task.block_sweep import amp_at_heights
from gnnmax.task.blocks import BlockProblem
from gnnmax.training.threads import one_thread

__all__ = ["NETS", "NO_NETS", "RULES", "OrderScorer", "chosen_nets", "net_scorers"]

NO_NETS = "none"
"""The name that stands for no net."""

WEIGHTS_FILE = FileKind("the weights", 1_000_000, "delete them, and the net is trained again")


Sweep = Callable[[BlockProblem, npt.NDArray[np.intp], Sequence[float]], npt.NDArray[np.float64]]
"""Maps a problem, the nodes of its block and heights to scores, shape ``(heights, n)``."""

NetSweep = Callable[[Any, BlockProblem, npt.NDArray[np.intp], Sequence[float]], npt.NDArray[np.float64]]
"""The same of a net."""


@dataclass(frozen=True, eq=False)
class OrderScorer:
    """A scorer of the nodes of a block's matrix.

    Attributes:
        name: The rule or the net.
        score: Returns one score a node.
        border: Key of the border in :func:`gnnmax.task.blocks.block_borders` that it is compared with.
        multiples: Strengths at which it is measured, as multiples of that border.
        near: The same for large sizes, where each strength is dear; empty for ``multiples``.
        reads_order: Whether it depends on the order in which the nodes come.
        largest: Number of nodes up to which it is measured.
        sweep: Scores nodes at several heights of a block at once; None where each height is scored on its own.
        identity: What determines its scores beside its name: the training of a net.
        ties: Version of its scores where many entries are equal, as those of a graph are.
    """

    name: str
    score: Callable[[BlockProblem], npt.NDArray[np.float64]]
    border: str
    multiples: tuple[float, ...]
    near: tuple[float, ...] = ()
    reads_order: bool = False
    largest: int = 16_384
    sweep: Sweep | None = None
    identity: str = ""
    ties: int = 1

    @property
    def key(self) -> Key:
        """Its part of the key of a cell."""
        return {"rule": self.name, **({"training": self.identity} if self.identity else {})}

    @property
    def graph_key(self) -> Key:
        """The same of a cell on a graph."""
        return {**self.key, **({"ties": self.ties} if self.ties > 1 else {})}


def _by_rows(rule: Callable[[BlockProblem], Scores]) -> Callable[[BlockProblem], npt.NDArray[np.float64]]:
    return lambda problem: rule(problem)[0]


RULES: dict[str, OrderScorer] = {
    rule.name: rule
    for rule in (
        OrderScorer("scan", _by_rows(scan), "scan", (0.3, 0.42, 0.6, 0.85, 1.2, 1.7, 2.4), reads_order=True),
        OrderScorer(
            "amp",
            _by_rows(amp),
            "amp",
            (0.5, 0.65, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5, 3.5),
            sweep=amp_at_heights,
        ),
        OrderScorer(
            "refined_eigenvector",
            _by_rows(refined_eigenvector),
            "eigenvector",
            (0.5, 0.7, 0.85, 1.0, 1.1, 1.2, 1.35, 1.6),
            near=(0.7, 0.85, 1.0, 1.1, 1.2, 1.35),
            largest=8_192,
        ),
        OrderScorer(
            "eigenvector",
            _by_rows(eigenvector),
            "eigenvector",
            (0.6, 0.85, 1.0, 1.1, 1.2, 1.35, 1.6, 2.0),
            near=(0.85, 1.0, 1.1, 1.2, 1.35, 1.6),
        ),
        OrderScorer("degrees", _by_rows(degrees), "degrees", (0.5, 0.7, 0.85, 1.0, 1.2, 1.5)),
    )
}
"""The rules by name, the best first."""


@dataclass(frozen=True)
class _Measured:
    """Where a net is measured; see :class:`OrderScorer`."""

    border: str
    multiples: tuple[float, ...]
    near: tuple[float, ...] = ()
    largest: int = 8_192
    sweep: NetSweep | None = None
    ties: int = 1


SPARSE = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0), (1.0, 1.4, 2.0, 2.8, 4.0)
"""Strengths of nets on the strongest entries of each row, and those at large sizes."""

NETS: dict[str, _Measured] = {
    "box-net": _Measured("scan", (*RULES["scan"].multiples, 3.4, 4.8), near=RULES["scan"].multiples),
    "diagonal-cnn": _Measured("scan", (0.3, 0.6, 0.85, 1.2, 1.7, 2.4, 3.4, 4.8, 7.0), largest=2_048),
    "unrolled-amp": _Measured("amp", RULES["amp"].multiples, sweep=unrolled_at_heights),
    "gin": _Measured("amp", (0.8, 1.0, 1.2, 1.5, 2.0, 2.7, 3.5, 4.5, 6.0, 9.0), near=(1.2, 1.6, 2.0, 2.7, 3.5)),
    "spectral": _Measured("eigenvector", RULES["eigenvector"].multiples, near=RULES["eigenvector"].near),
    "gat": _Measured("eigenvector", *SPARSE, ties=2),
    "graph-transformer": _Measured("eigenvector", *SPARSE, ties=2),
    "map-product": _Measured("eigenvector", (0.6, 0.85, 1.0, 1.2, 1.6, 2.2, 3.0, 4.5), largest=1_024),
}
"""The nets by name, see :data:`gnnmax.models.nodes.registry.NODE_MODELS`."""


def chosen_nets(names: Sequence[str] | None, *, quick: bool) -> tuple[str, ...]:
    """Return the nets of a table: those that are named; by default all of them, or none in the short form.

    Raises:
        InputError: an unknown net, or one that is named twice.

    Example:
        >>> chosen_nets(None, quick=True), chosen_nets(["none"], quick=False), chosen_nets(["gin"], quick=True)
        ((), (), ('gin',))
    """
    if names is None:
        return () if quick else tuple(NETS)
    if list(names) == [NO_NETS]:
        return ()
    if NO_NETS in names:
        raise InputError(f"{NO_NETS} stands for no net: leave out {NO_NETS}, or the nets beside it")
    for name in names:
        if name not in NETS:
            raise unknown_name("net of blocks", name, [*NETS, NO_NETS])
    if len(set(names)) < len(names):
        raise InputError(f"a net is named twice in {', '.join(names)}: name each once")
    return tuple(name for name in NETS if name in names)


def net_scorers(names: Sequence[str], folder: Path | None) -> dict[str, OrderScorer]:
    """Return scorers by nets, which are trained when they are needed first.

    Args:
        names: Keys of :data:`NETS`.
        folder: Folder that keeps their weights; None keeps none.
    """
    return {name: _net_scorer(name, BLOCK_TRAININGS[name], folder) for name in names}


def _net_scorer(name: str, training: BlockTraining, folder: Path | None) -> OrderScorer:
    weights = f"{name}-{_digest(replace(training, tested=None))}.safetensors"
    where, entry = NETS[name], NODE_MODELS[training.net]
    net = cache(lambda: _trained(training, None if folder is None else folder / weights))
    return OrderScorer(
        name,
        lambda problem: node_scores(net(), problem),
        where.border,
        where.multiples,
        near=where.near,
        reads_order=entry.reads_order,
        largest=where.largest,
        sweep=None if where.sweep is None else partial(_swept, where.sweep, net),
        identity=_digest(training),
        ties=where.ties,
    )


def _swept(
    sweep: NetSweep,
    net: Callable[[], nn.Module],
    problem: BlockProblem,
    members: npt.NDArray[np.intp],
    heights: Sequence[float],
) -> npt.NDArray[np.float64]:
    with one_thread():
        return sweep(net(), problem, members, heights)


def _digest(training: BlockTraining) -> str:
    return hashlib.sha256(msgspec.json.encode(training, order="sorted")).hexdigest()[:12]


def _trained(training: BlockTraining, file: Path | None) -> nn.Module:
    """Read the weights of a net, or train it and keep them."""
    if file is not None and file.exists():
        net = build_node_model(training.net, training.config)
        try:
            net.load_state_dict(parse_tensors(WEIGHTS_FILE.read(file)))
        except (SafetensorError, RuntimeError, ValueError, KeyError):
            raise InputError(f"the weights {file} are damaged: delete them, and the net is trained again") from None
        return ready(net, training)
    net = trained_on_blocks(training)
    if file is not None:
        write_file(file, tensor_bytes({key: weight.contiguous() for key, weight in net.state_dict().items()}))
    return net
