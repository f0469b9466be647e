"""Archives of arrays: one dense matrix, or the members of a sparse one."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.graph_files.arrays import LARGEST_HEADER, Header, read_header
from gnnmax.io.graph_files.refusals import CUT_OFF, refusing, remedy_of_count
from gnnmax.io.graph_files.sparse_members import read_sparse

__all__ = ["LARGEST_ARRAY", "read_npz", "read_npz_arrays"]

LARGEST_ARRAY = 2**27
"""Bytes that a file of any size may unpack to."""

TIMES_THE_FILE = 100
"""Larger files may unpack to this multiple of their size: deflate can reach 1,032, matrices of measurements do not."""

END, UNCOUNTED = b"PK\5\6", 0xFFFF
"""The mark of the last record, and the number of members that it states where it cannot count them."""

PIECE = 2**20
"""Bytes that are unpacked at a time."""

LARGEST_UNCHECKED = 2**26
"""Bytes of a member up to which its checksum is compared while it is read; larger ones are compared beforehand."""


def read_npz(content: bytes) -> Any:
    """Read a sparse matrix that scipy's ``save_npz`` wrote, or the only dense array of a ``.npz`` file.

    Returns:
        A dense array or a scipy sparse array.

    Raises:
        InputError: not the format, damaged, pickled objects, too large once unpacked, or members that contradict each
            other.

    Example:
        >>> file = io.BytesIO()
        >>> np.savez(file, np.eye(2))
        >>> read_npz(file.getvalue()).shape
        (2, 2)
    """
    with refusing("a .npz file of a matrix"), zipfile.ZipFile(io.BytesIO(content)) as box:
        archive = _Archive(box, content)
        if "format" in archive.members:
            return read_sparse(archive, len(content))
        if len(archive.members) != 1:
            raise InputError(f"holds {len(archive.members)} arrays: expected one, or a file of scipy.sparse.save_npz")
        return archive.array(next(iter(archive.members)))


def read_npz_arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays of a ``.npz`` file, by name.

    Raises:
        InputError: not the format, damaged, pickled objects, or too large once unpacked.

    Example:
        >>> file = io.BytesIO()
        >>> np.savez(file, x=np.eye(2), y=np.ones(3))
        >>> {name: array.shape for name, array in read_npz_arrays(file.getvalue()).items()}
        {'x': (2, 2), 'y': (3,)}
    """
    with refusing("a .npz file"), zipfile.ZipFile(io.BytesIO(content)) as box:
        archive = _Archive(box, content)
        return {name: archive.array(name) for name in archive.members}


class _Archive:
    """The arrays of a ``.npz`` file; headers are read without unpacking the rest."""

    def __init__(self, box: zipfile.ZipFile, content: bytes) -> None:
        listed = box.infolist()
        end = content.rfind(END) + len(END)  # the library reads the list, not the number of its lines beside it
        stated = int.from_bytes(content[end + 6 : end + 8], "little")
        if stated not in (len(listed), UNCOUNTED):
            raise InputError(f"states {stated} arrays and lists {len(listed)}: {remedy_of_count(len(listed), stated)}")
        self.box = box
        self.members = {member.filename.removesuffix(".npy"): member for member in listed}
        if len(self.members) != len(listed):
            raise InputError("holds two arrays of one name: give them two names")
        unpacked = sum(member.file_size for member in listed)
        largest = max(LARGEST_ARRAY, TIMES_THE_FILE * len(content))
        if unpacked > largest:
            raise InputError(
                f"unpacks to {unpacked} bytes, more than {largest}: save it as .npy, or by scipy.sparse.save_npz"
            )

    def header(self, name: str) -> Header:
        """Read the header of an array and compare it with the stated size of the member.

        Raises:
            InputError: no such array, another compression than numpy's, or a size that differs.
        """
        member = self.members.get(name)
        if member is None:
            raise InputError(f"has no array {name!r}: is it a file of scipy.sparse.save_npz?")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError("is compressed in another way than numpy does: save it with numpy or scipy")
        with self.box.open(member) as file:
            header = read_header(file.read(LARGEST_HEADER))
        header.check_size(member.file_size - header.start)
        return header

    def array(self, name: str) -> npt.NDArray[Any]:
        """Read an array and compare its checksum."""
        header, member = self.header(name), self.members[name]
        if member.file_size > LARGEST_UNCHECKED:
            self._check(member)
        content, place = np.empty(member.file_size, dtype=np.uint8), 0
        with self.box.open(member) as file:
            while piece := file.read(PIECE):
                content[place : place + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
                place += len(piece)
        if place != member.file_size:
            raise InputError(f"the array {name!r} ends too early: {CUT_OFF}")
        return header.array(content)

    def _check(self, member: zipfile.ZipInfo) -> None:
        """Unpack a member piece by piece, keep nothing, and let the reader compare its checksum."""
        with self.box.open(member) as file:
            while file.read(PIECE):
                pass
