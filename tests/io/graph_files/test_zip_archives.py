"""Archives: every sparse format and type that scipy writes, and members that contradict each other."""

import zipfile

import numpy as np
import pytest
import scipy.sparse

from gnnmax.detection.search import find_maxima
from gnnmax.errors import InputError
from gnnmax.io.graph_files.zip_archives import read_npz
from tests.support.graph_content import SAMPLES, SPARSE, members_of, saved, small_matrix, with_member


def npy(array):
    return saved(np.save, np.asarray(array))


@pytest.mark.parametrize("dtype", ["<f2", ">f4", ">i8", "<u1", "?", "<f8", np.longdouble])
@pytest.mark.parametrize("form", SPARSE)
def test_every_format_is_read_in_every_type_of_number(form, dtype):
    content = SAMPLES[f"{form}.npz"]
    values = np.frombuffer(members_of(content)["data.npy"][128:], "<f8")
    shape = {"dia": (-1, 6), "bsr": (-1, 2, 2)}.get(form, (-1,))
    found = read_npz(with_member(content, "data.npy", npy(values.astype(dtype).reshape(shape))))
    expected = small_matrix().astype(dtype).astype(np.float32 if dtype == "<f2" else np.dtype(dtype).newbyteorder("="))
    assert found.dtype == expected.dtype and found.format == form
    np.testing.assert_array_equal(found.toarray(), expected)
    for mode in ("graph", "ordered"):
        find_maxima(found, k=3, mode=mode)


@pytest.mark.parametrize("dtype", ["<i8", ">i4", "<u2"])
@pytest.mark.parametrize("form", SPARSE)
def test_indices_of_every_type_are_read(form, dtype):
    content = SAMPLES[f"{form}.npz"]
    for name in ("indices", "indptr", "row", "col", "offsets", "shape"):
        members = members_of(content)
        if f"{name}.npy" in members and not (name == "offsets" and dtype == "<u2"):
            old = np.frombuffer(members[f"{name}.npy"][128:], "<i8" if name == "shape" else "<i4")
            content = with_member(content, f"{name}.npy", npy(old.astype(dtype)))
    np.testing.assert_array_equal(read_npz(content).toarray(), small_matrix())


def test_coordinates_in_one_array_are_read():
    coordinates = scipy.sparse.coo_array(small_matrix())
    whole = {"coords": coordinates.coords, "data": coordinates.data, "shape": (6, 6), "format": b"coo"}
    np.testing.assert_array_equal(read_npz(saved(np.savez, **whole)).toarray(), small_matrix())


@pytest.mark.parametrize(
    ("form", "changes", "said"),
    [
        ("csr", {"indptr": [0, 1]}, "its indptr must be 7 whole numbers"),
        ("csr", {"indptr": [1] + [20] * 6}, "its indptr must rise from 0"),
        ("csr", {"indptr": [0, 9, 3, 9, 9, 9, 9]}, "its indptr must rise from 0"),
        ("csr", {"indptr": [0] * 7}, "its indptr must rise from 0 to"),
        ("csr", {"indptr": [0.0] * 7}, "whole numbers, not float64"),
        ("csc", {"indices": [0]}, "its indices must be"),
        ("csr", {"data": [[1.0]]}, "its data must be one row of numbers"),
        ("csr", {"data": ["a"]}, "its data must be numbers"),
        ("csr", {"shape": [6]}, "two whole numbers"),
        ("csr", {"shape": [6, 6, 6]}, "two whole numbers"),
        ("csr", {"shape": [6, 3]}, "its indices must lie from 0 to 2"),
        ("csr", {"format": b"lil"}, "the sparse format 'lil'"),
        ("csr", {"format": 3}, "its format is not a word"),
        ("csr", {"format": b"coo"}, "has no array 'row'"),
        ("coo", {"row": [0]}, "its row must be"),
        ("coo", {"coords": [[0], [1]]}, "its coords must be"),
        ("dia", {"offsets": [0, 1]}, "its offsets must be"),
        ("dia", {"data": [1.0]}, "its diagonals must be rows"),
        ("bsr", {"shape": [5, 5]}, "do not tile 5 x 5"),
        ("bsr", {"data": [1.0]}, "do not tile"),
    ],
)
def test_members_that_contradict_each_other_are_refused(form, changes, said):
    content = SAMPLES[f"{form}.npz"]
    members = {name.removesuffix(".npy"): member for name, member in members_of(content).items()}
    for name, value in changes.items():
        members[name] = npy(value)
    with pytest.raises(InputError, match=said):
        read_npz(zipped(members.items()))


def zipped(members, **options):
    """An archive of some members, which may have one name."""

    def write(file):
        with zipfile.ZipFile(file, "w", **options) as box:
            for name, content in members:
                box.writestr(f"{name}.npy", content)

    return saved(write)


def test_other_compressions_two_arrays_of_one_name_and_damage_are_refused():
    with pytest.raises(InputError, match="compressed in another way"):
        read_npz(zipped([("a", npy(np.eye(3)))], compression=zipfile.ZIP_LZMA))
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped([("a", npy(np.eye(3))), ("a", npy(np.eye(2)))])
    with pytest.raises(InputError, match="two arrays of one name"):
        read_npz(twice)
    with pytest.raises(InputError, match=r"not a \.npz file"):
        read_npz(b"PK")
    content = bytearray(zipped([("a", npy(np.eye(3)))]))
    content[content.index(b"\xf0\x3f")] ^= 1
    with pytest.raises(InputError, match="CRC"):
        read_npz(bytes(content))
    with pytest.raises(InputError, match="states 64 bytes of numbers and has 72"):
        read_npz(zipped([("a", npy(np.eye(3)).replace(b"(3, 3)", b"(4, 2)"))]))


def test_an_archive_whose_list_breaks_off_is_not_taken_for_the_arrays_before():
    content = bytearray(SAMPLES["csr.npz"])
    first = content.index(b"PK\1\2")
    rest = len(content) - content.index(b"PK\1\2", first + 4) - 22
    content[first + 32 : first + 34] = rest.to_bytes(2, "little")  # a comment that covers the rest of the list
    with pytest.raises(InputError, match="states 6 arrays and lists 1"):
        read_npz(bytes(content))
