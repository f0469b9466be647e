"""Tensor files: the header of a safetensors file, checked so that every byte belongs to exactly one tensor."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gnnmax.errors import InputError

__all__ = ["ITEM_BYTES", "TensorEntry", "read_header"]

LARGEST_HEADER = 1_000_000

ITEM_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "F16": 2, "BF16": 2, "I32": 4, "F32": 4, "I64": 8, "F64": 8}
"""Bytes of an entry, by the name of its type."""

Natural = Annotated[int, Meta(ge=0, le=2**48)]


class TensorEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor: the name of its type, its shape, and the range of its bytes behind the header."""

    dtype: str
    shape: tuple[Natural, ...]
    data_offsets: tuple[Natural, Natural]


def read_header(content: bytes | memoryview, *, largest: int = LARGEST_HEADER) -> tuple[dict[str, TensorEntry], int]:
    """Read the header of a safetensors file.

    The tensors lie one behind the other, without a gap and without an overlap, from the end of the header to the end of
    the file, as safetensors writes them.

    Args:
        content: The file.
        largest: Number of bytes that the header may have.

    Returns:
        The tensors by name, and the position behind the header.

    Raises:
        InputError: it is none; the message says why, without the name of the file.

    Example:
        >>> header = b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}'
        >>> read_header(len(header).to_bytes(8, "little") + header + b"xy")[0]["a"].shape
        (2,)
        >>> read_header(len(header).to_bytes(8, "little") + header + b"xyz")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: its tensors end at byte 2 of 3
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(largest, len(content) - 8):
        raise InputError("it is not a safetensors file: its header has a wrong length")
    try:
        header = json.loads(bytes(content[8 : 8 + length]), object_pairs_hook=_unique)
        entries = msgspec.convert(header, dict[str, TensorEntry])
    except (ValueError, RecursionError) as error:
        raise InputError(f"it is not a safetensors file: {str(error)[:200] or type(error).__name__}") from None
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        first, last = entry.data_offsets
        if entry.dtype not in ITEM_BYTES:
            raise InputError(f"its tensor {name!r:.80} has the unknown type {entry.dtype!r:.20}")
        if first != end or last - first != math.prod(entry.shape) * ITEM_BYTES[entry.dtype]:
            raise InputError(f"its tensor {name!r:.80} does not lie behind the one before it, or has another size")
        end = last
    if end != len(content) - 8 - length:
        raise InputError(f"its tensors end at byte {end} of {len(content) - 8 - length}")
    return entries, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("its header has a name twice")
    return found
