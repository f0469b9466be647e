"""Numbers on the command line: those that every program reads, not ``1_0`` or the digits of other scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from gnnmax.io.plain_numbers import exceeds_float64, plain_float, plain_int

__all__ = ["PLAIN_NUMBERS"]

PLAIN_NUMBERS = ConstructorRegistry()
"""How flags that take a number are read."""


def _real(text: str) -> float:
    """Read a real number; one that float64 would turn into an infinite one is none."""
    if exceeds_float64(text):
        raise ValueError(f"too large for float64: {text!r:.60}")
    return plain_float(text)


READERS: dict[Any, Callable[[str], Any]] = {int: plain_int, float: _real}


@PLAIN_NUMBERS.primitive_rule
def _number(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Read whole and real numbers; every other type is left to tyro."""
    if info.type not in READERS:
        return None
    read = READERS[info.type]
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=info.type.__name__.upper(),
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: isinstance(value, (int, info.type)),
        str_from_instance=lambda value: [str(value)],
    )
