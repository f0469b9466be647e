"""Shards of a stored data set: arrays of windows or maps in safetensors files."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.data.manifest import AGAIN, LARGEST_HEADER, Shard
from gnnmax.data.stored_kinds import Described, content_of, layout_of
from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.reading import FileKind
from gnnmax.io.tensor_files import read_header
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = ["read_shard", "write_shard"]

SHARD_FILE = FileKind("the shard", 2**48, AGAIN)

_CODES: dict[type[np.generic], str] = {
    np.float32: "F32",
    np.bool_: "BOOL",
    np.uint8: "U8",
    np.int16: "I16",
    np.int64: "I64",
}
"""Names of dtypes in safetensors."""


def write_shard(path: Path, part: Windows | Maps) -> Shard:
    """Write windows or maps into a file, atomically, and describe it."""
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(array) for name, array in part.arrays().items()})
    write_file(path, content)
    return Shard(path.name, len(part), len(content), hashlib.sha256(content).hexdigest())


def read_shard(path: Path, shard: Shard, recipe: Described, *, check: bool = True) -> Windows | Maps:
    """Check the digest, names, dtypes and shapes of one shard, and map it into memory.

    Raises:
        InputError: a check fails; the message gives the file and the reason.
    """
    content = SHARD_FILE.map(path)
    if check and hashlib.sha256(content).hexdigest() != shard.sha256:
        raise InputError(f"the shard {path} does not have the SHA-256 of the manifest: it was changed; {AGAIN}")
    try:
        header, start = read_header(content, largest=LARGEST_HEADER)
    except InputError as error:
        raise SHARD_FILE.damaged(path, error) from None
    expected = {
        name: (_CODES[dtype], dtype, shape) for name, (dtype, shape) in layout_of(recipe, shard.windows).items()
    }
    if set(header) != set(expected):
        raise InputError(f"the shard {path} holds {sorted(header)} where {sorted(expected)} were expected: {AGAIN}")
    arrays: dict[str, Any] = {}
    for name, (code, dtype, shape) in expected.items():
        entry = header[name]
        if entry.dtype != code or entry.shape != shape:
            found = f"{entry.dtype} {list(entry.shape)}"
            raise InputError(f"the shard {path} has {name} as {found}, not {code} {list(shape)}: {AGAIN}")
        first = start + entry.data_offsets[0]
        arrays[name] = np.frombuffer(content, dtype=dtype, count=math.prod(shape), offset=first).reshape(shape)
        if code == "BOOL" and (arrays[name].view(np.uint8) > 1).any():
            raise InputError(f"the shard {path} has {name} that are neither true nor false: {AGAIN}")
    try:
        return content_of(recipe, arrays)
    except InputError as error:
        raise InputError(f"the shard {path} contradicts its recipe: {error}; {AGAIN}") from None
