"""Nets of about as many parameters: their widths chosen so that none wins by its size."""

from __future__ import annotations

from collections.abc import Mapping

from gnnmax.errors import InputError
from gnnmax.models.entry import Config
from gnnmax.models.registry import build_model, parse_config

__all__ = ["match_parameters", "parameter_count"]

FARTHEST = 0.1
"""Largest share by which a matched net may have more or fewer parameters."""


def parameter_count(name: str, k: int, config: Config) -> int:
    """Return how many numbers a net learns.

    Example:
        >>> parameter_count("question", 3, parse_config("question"))
        34049
    """
    return sum(weight.numel() for weight in build_model(name, k, config).parameters() if weight.requires_grad)


def match_parameters(configs: Mapping[str, Config], k: int) -> dict[str, Config]:
    """Choose the width of every net but the first so that it has as many parameters as the first, within 10 %.

    Args:
        configs: Configs by model; the first is kept as it is, of the others all but the width.
        k: Side of the windows.

    Raises:
        InputError: a net has no width to choose, or no width comes close.

    Example:
        >>> matched = match_parameters({"question": parse_config("question"), "gnn": parse_config("gnn")}, 9)
        >>> parameter_count("question", 9, matched["question"]), parameter_count("gnn", 9, matched["gnn"])
        (38657, 39320)
    """
    first, *others = configs
    wanted = parameter_count(first, k, configs[first])
    return {first: configs[first], **{name: _matched(name, configs[name], k, wanted, first) for name in others}}


def _matched(name: str, config: Config, k: int, wanted: int, first: str) -> Config:
    if not hasattr(config, "width"):
        raise InputError(f"model {name} has no width that could be matched to {first}'s: name it first, or match steps")
    low, high = 1, 1024
    while high - low > 1:  # the count rises with the width
        middle = (low + high) // 2
        if _count(name, config, k, middle) < wanted:
            low = middle
        else:
            high = middle
    near = [width for width in range(max(1, low - 8), min(1024, high + 8) + 1) if _fits(name, config, width)]
    best = min(near, key=lambda width: abs(_count(name, config, k, width) - wanted))
    found = _count(name, config, k, best)
    if abs(found - wanted) > FARTHEST * wanted:
        raise InputError(
            f"model {name} comes no closer to the {wanted:,} parameters of {first} than {found:,}, at width {best}: "
            "change its other sizes, or match steps"
        )
    return _of_width(name, config, best)


def _fits(name: str, config: Config, width: int) -> bool:
    """Whether the net may have that width: heads must divide it."""
    try:
        _of_width(name, config, width)
    except InputError:
        return False
    return True


def _count(name: str, config: Config, k: int, width: int) -> int:
    while not _fits(name, config, width):
        width += 1
    return parameter_count(name, k, _of_width(name, config, width))


def _of_width(name: str, config: Config, width: int) -> Config:
    plain = {field: getattr(config, field) for field in config.__struct_fields__}
    return parse_config(name, {**plain, "width": width})
