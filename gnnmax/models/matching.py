"""Matching of parameter counts: widths such that all nets have about the same number of parameters."""

from __future__ import annotations

from collections.abc import Mapping

from gnnmax.errors import InputError
from gnnmax.models.entry import Config
from gnnmax.models.registry import build_model, parse_config

__all__ = ["match_parameters", "parameter_count"]

FARTHEST = 0.1
"""Largest share by which a matched net may have more or fewer parameters."""


def parameter_count(name: str, k: int, config: Config) -> int:
    """Return the number of trainable parameters of a net.

    Example:
        >>> parameter_count("question", 3, parse_config("question"))
        34049
    """
    return sum(weight.numel() for weight in build_model(name, k, config).parameters() if weight.requires_grad)


def match_parameters(configs: Mapping[str, Config], k: int) -> dict[str, Config]:
    """Choose the widths of all nets but the first to match its number of parameters within 10 %.

    Args:
        configs: Configs by model; the first is unchanged, the others keep all but the width.
        k: Side of the windows.

    Raises:
        InputError: a net has no width, or no width comes within 10 %.

    Example:
        >>> matched = match_parameters({"question": parse_config("question"), "gnn": parse_config("gnn")}, 9)
        >>> parameter_count("question", 9, matched["question"]), parameter_count("gnn", 9, matched["gnn"])
        (38657, 39320)
    """
    first, *others = configs
    target = parameter_count(first, k, configs[first])
    return {first: configs[first], **{name: _matched(name, configs[name], k, target, first) for name in others}}


def _matched(name: str, config: Config, k: int, target: int, first: str) -> Config:
    if not hasattr(config, "width"):
        raise InputError(f"model {name} has no width to match to {first}'s: name it first, or match steps")
    low, high = 1, 1024
    while high - low > 1:  # the count rises with the width
        middle = (low + high) // 2
        if _count(name, config, k, middle) < target:
            low = middle
        else:
            high = middle
    near = [width for width in range(max(1, low - 8), min(1024, high + 8) + 1) if _fits(name, config, width)]
    best = min(near, key=lambda width: abs(_count(name, config, k, width) - target))
    count = _count(name, config, k, best)
    if abs(count - target) > FARTHEST * target:
        raise InputError(
            f"model {name} comes no closer to the {target:,} parameters of {first} than {count:,}, at width {best}: "
            "change its other sizes, or match steps"
        )
    return _with_width(name, config, best)


def _fits(name: str, config: Config, width: int) -> bool:
    """Tell whether the net accepts that width: heads must divide it."""
    try:
        _with_width(name, config, width)
    except InputError:
        return False
    return True


def _count(name: str, config: Config, k: int, width: int) -> int:
    while not _fits(name, config, width):
        width += 1
    return parameter_count(name, k, _with_width(name, config, width))


def _with_width(name: str, config: Config, width: int) -> Config:
    plain = {field: getattr(config, field) for field in config.__struct_fields__}
    return parse_config(name, {**plain, "width": width})
