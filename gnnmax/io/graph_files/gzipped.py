"""Files that gzip compressed, unpacked within a bound."""

from __future__ import annotations

import gzip
import io
import zlib

from gnnmax.errors import InputError
from gnnmax.io.graph_files.refusals import first_line
from gnnmax.io.graph_files.zip_archives import LARGEST_ARRAY, TIMES_THE_FILE

__all__ = ["GZ", "unpacked"]

GZ = ".gz"
"""The ending of a compressed file, after that of its format."""

PIECE = 2**20
"""Bytes that are unpacked at a time."""


def unpacked(content: bytes) -> bytes:
    """Unpack a file, after its size and its checksum were found by unpacking it once without keeping anything.

    Raises:
        InputError: not the format, damaged, or too large once unpacked.

    Example:
        >>> unpacked(gzip.compress(b"a,b,1"))
        b'a,b,1'
    """
    largest, size = max(LARGEST_ARRAY, TIMES_THE_FILE * len(content)), 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while piece := file.read(PIECE):
                size += len(piece)
                if size > largest:
                    raise InputError(f"unpacks to more than {largest} bytes: unpack it with gunzip first")
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"not a file of gzip: {first_line(error)}") from None
