"""The part of a card that is about hidden blocks: strength, borders, and the share that each rule finds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gnnmax.data.maps.block_rules import BLOCK_RULES
from gnnmax.data.maps.recipe import Block, MapSpec
from gnnmax.task.block_scores import block_overlaps
from gnnmax.task.blocks import block_borders, state_evolution
from gnnmax.task.maps import Maps
from gnnmax.task.tabulation import TableText, number_text

__all__ = ["BlockRung", "BlockStrength", "block_rungs", "block_strengths", "block_tables"]


@dataclass(frozen=True)
class BlockStrength:
    """One level of a block.

    Attributes:
        nodes: Numbers of its rows and columns.
        amplitude: Its height.
        strength: lam = mu^2 K L / sqrt(n m), in the largest map, mu in deviations of the noise.
        amp: The overlap that state evolution gives for message passing; None where rows and columns differ.
    """

    nodes: tuple[int, int]
    amplitude: float
    strength: float
    amp: float | None


@dataclass(frozen=True)
class BlockRung:
    """One rule at one level.

    Attributes:
        name: Name of the rule.
        reads: ``image``, ``host`` or ``graph``, see :class:`gnnmax.data.maps.block_rules.BlockRule`.
        amplitude: The level.
        overlap: Mean share of the block among its K top nodes.
        error: Standard error over maps.
        maps: Number of maps.
    """

    name: str
    reads: str
    amplitude: float
    overlap: float
    error: float
    maps: int


def block_strengths(spec: MapSpec) -> tuple[BlockStrength, ...]:
    """Return the levels of a block with their signal strengths; none where peaks are planted."""
    if not isinstance(spec.plant, Block):
        return ()
    size, (n, _) = spec.plant.size, spec.sides
    found = []
    for amplitude, strength in zip(spec.plant.levels, spec.strengths, strict=True):
        amp = None if spec.structure == "bipartite" else float(state_evolution(strength, size[0] / n)[-1])
        found.append(BlockStrength(size, amplitude, strength, amp))
    return tuple(found)


def block_rungs(maps: Maps) -> tuple[BlockRung, ...]:
    """Return the share of the blocks that each rule finds, level by level."""
    assert maps.block_amplitude is not None
    found = []
    overlaps = {name: block_overlaps(rule(maps), maps) for name, rule in BLOCK_RULES.items()}
    for amplitude in np.unique(maps.block_amplitude[np.isfinite(maps.block_amplitude)]).tolist():
        own = maps.block_amplitude == np.float32(amplitude)
        for name, rule in BLOCK_RULES.items():
            shares = overlaps[name][own]
            error = float(shares.std(ddof=1)) / math.sqrt(len(shares)) if len(shares) > 1 else math.nan
            level = round(amplitude, 6)
            found.append(BlockRung(name, rule.reads, level, float(shares.mean()), error, len(shares)))
    return tuple(found)


def block_tables(
    strengths: tuple[BlockStrength, ...], rungs: tuple[BlockRung, ...], described: str, n: int
) -> list[TableText]:
    """Return strengths and rules as tables."""
    levels = [
        [f"{one.amplitude:g}", f"{one.nodes[0]} x {one.nodes[1]}", f"{one.strength:.3f}", number_text(one.amp)]
        for one in strengths
    ]
    rows = [
        [
            *(f"{one.amplitude:g}", one.name, one.reads, number_text(one.overlap)),
            *("" if math.isnan(one.error) else f"{one.error:.4f}", str(one.maps)),
        ]
        for one in rungs
    ]
    borders = block_borders(n, strengths[0].nodes[0])
    known = ", ".join(f"{name} {border:.3f}" for name, border in borders.items() if name != "degrees")
    return [
        TableText(
            f"hidden blocks, split {described}: lam = mu^2 K L / sqrt(n m)",
            ["amplitude", "nodes", "lam", "message passing finds"],
            levels,
            [f"a rule finds the block of a large symmetric matrix from this lam on: {known} (scan: order known)"],
        ),
        TableText(
            f"rules of blocks, split {described}: share of the block among its K top nodes",
            ["amplitude", "rule", "reads", "overlap", "error", "maps"],
            rows,
        ),
    ]
