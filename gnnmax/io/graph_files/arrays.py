"""Arrays in numpy's format."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.graph_files.refusals import refusing, remedy_of_count

__all__ = ["LARGEST_HEADER", "Header", "read_header", "read_npy"]

LARGEST_HEADER = 2**14
"""Bytes from the start of a file that hold every header numpy reads: it stops at 10,000 characters."""

MOST_SIDES = 32
"""Sides of an array: the fewest that a version of numpy supports."""

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the names of fields only
}


class Header(NamedTuple):
    """The header of an array.

    Attributes:
        shape: The sides of the array.
        by_columns: Whether the first index varies fastest.
        dtype: The type of the entries.
        start: Position of the first entry in the file.
    """

    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def size(self) -> int:
        """Bytes of the entries."""
        return math.prod(self.shape) * self.dtype.itemsize

    def check_size(self, there: int) -> None:
        """Refuse an array whose entries do not take ``there`` bytes."""
        if self.size != there:
            raise InputError(
                f"states {self.size:.6g} bytes of numbers and has {there}: {remedy_of_count(there, self.size)}"
            )

    def array(self, content: Any) -> npt.NDArray[Any]:
        """View the bytes of a whole file as an array."""
        numbers = np.frombuffer(content, self.dtype, offset=self.start)
        return numbers.reshape(self.shape, order="F" if self.by_columns else "C")


def read_header(head: bytes) -> Header:
    """Read the header of an array.

    Args:
        head: The first bytes of the file, at most :data:`LARGEST_HEADER` of them.

    Raises:
        InputError: not the format, pickled objects, or an impossible shape.
    """
    file = io.BytesIO(head)
    try:
        with refusing("a .npy file"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns about files that Python 2 wrote
            shape, by_columns, dtype = _READERS[np.lib.format.read_magic(file)](file)
    except MemoryError:
        raise InputError("not a .npy file: its header is nested too deeply") from None
    if dtype.hasobject:
        raise InputError("holds pickled objects, which can run code: save plain numbers")
    possible = len(shape) <= MOST_SIDES and all(0 <= side <= 2**62 for side in shape)
    if not possible or dtype.itemsize == 0:
        raise InputError(f"not a .npy file: it states an array of shape {shape!r:.60} and type {dtype!s:.60}")
    return Header(shape, by_columns, dtype, file.tell())


def read_npy(content: bytes) -> npt.NDArray[Any]:
    """Read one array.

    Raises:
        InputError: not the format, pickled objects, or fewer bytes than the header states.

    Example:
        >>> file = io.BytesIO()
        >>> np.save(file, np.eye(2))
        >>> read_npy(file.getvalue()).shape
        (2, 2)
    """
    header = read_header(content[:LARGEST_HEADER])
    header.check_size(len(content) - header.start)
    with refusing("a .npy file"):
        return header.array(content)
