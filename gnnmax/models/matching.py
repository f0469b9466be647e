"""Matching of parameter counts: widths such that all nets have about the same number of parameters."""

from __future__ import annotations

from collections.abc import Mapping

from gnnmax.errors import InputError
from gnnmax.models.architecture import Architecture

__all__ = ["match_parameters"]

FARTHEST = 0.1
"""Largest share by which a matched net may have more or fewer parameters."""


def match_parameters(nets: Mapping[str, Architecture], k: int | None) -> dict[str, Architecture]:
    """Choose the widths of all nets but the first to match its number of parameters within 10 %.

    Args:
        nets: Architectures by name; the first is unchanged, the others keep all but the width.
        k: Side of the windows; None of maps.

    Raises:
        InputError: a net has no width, or no width comes within 10 %.

    Example:
        >>> from gnnmax.models.architecture import named_architectures
        >>> matched = match_parameters(named_architectures(["question", "gnn"]), 9)
        >>> matched["question"].parameter_count(9), matched["gnn"].parameter_count(9)
        (38657, 39320)
    """
    first, *others = nets
    target = nets[first].parameter_count(k)
    return {first: nets[first], **{name: _matched(name, nets[name], k, target, first) for name in others}}


def _matched(name: str, net: Architecture, k: int | None, target: int, first: str) -> Architecture:
    if "width" not in net.plain:
        raise InputError(f"model {name} has no width to match to {first}'s: name it first, or match steps")
    low, high = 1, 1024
    while high - low > 1:  # the count rises with the width
        middle = (low + high) // 2
        if _count(net, k, middle) < target:
            low = middle
        else:
            high = middle
    near = [width for width in range(max(1, low - 8), min(1024, high + 8) + 1) if _fits(net, width)]
    best = min(near, key=lambda width: abs(_count(net, k, width) - target))
    count = _count(net, k, best)
    if abs(count - target) > FARTHEST * target:
        raise InputError(
            f"model {name} comes no closer to the {target:,} parameters of {first} than {count:,}, at width {best}: "
            "change its other sizes, or match steps"
        )
    return net.changed(width=best)


def _fits(net: Architecture, width: int) -> bool:
    """Tell whether the net accepts that width: heads must divide it."""
    try:
        net.changed(width=width)
    except InputError:
        return False
    return True


def _count(net: Architecture, k: int | None, width: int) -> int:
    while not _fits(net, width):
        width += 1
    return net.changed(width=width).parameter_count(k)
