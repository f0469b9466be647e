"""Small files that state large contents: refused in one line before memory is taken for them."""

import gzip
import io
import zipfile

import numpy as np
import pytest
import scipy.sparse

from gnnmax.cli.main import main
from gnnmax.data.hosts.own_files import name_file
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.io.presets import Presets
from tests.support.graph_content import SPARSE, saved
from tests.support.refusal_cost import refusal

MARKET = "%%MatrixMarket matrix coordinate {} general\n{}\n"
HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': "
XML = '<?xml version="1.0" encoding="{}"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns"/>'
LAUGHS = '<!DOCTYPE g [<!ENTITY a "aaaaaaaa">{}]><g>&b9;</g>'.format(
    "".join(f'<!ENTITY b{i} "{(f"&b{i - 1};" if i else "&a;") * 10}">' for i in range(10))
)


def npz(form, side, **arrays):
    """An archive of a sparse matrix with one entry and a stated side."""
    indices = {
        "coo": {"row": [0], "col": [0]},
        "dia": {"offsets": [0], "data": [[1.0]]},
        "bsr": {"indptr": [0, 1], "indices": [0], "data": [[[1.0]]]},
    }.get(form, {"indptr": [0, 1], "indices": [0]})
    whole = {"format": form.encode(), "shape": [side, side], "data": [1.0], **indices, **arrays}
    return saved(np.savez_compressed, **whole)


def npy(header):
    """A file with a header that is no dictionary of numpy's."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def zeros(size, *, damaged=False):
    """An archive of one member of zeros, perhaps with a wrong checksum."""
    file, head = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (size,)})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as box, box.open("a.npy", "w") as member:
        member.write(head.getvalue())
        for _ in range(size // 2**20):
            member.write(bytes(2**20))
    content = file.getvalue()
    return content.replace(box.infolist()[0].CRC.to_bytes(4, "little"), b"\1\2\3\4") if damaged else content


BOMBS = [
    *[(f"{form} of {side:.0e} rows.npz", npz(form, side)) for form in SPARSE for side in (10**9, 10**12)],
    ("as many rows as a 64-bit number.npz", npz("coo", 2**63 - 1)),
    ("fewer rows than none.npz", npz("coo", -5)),
    ("blocks of no rows.npz", npz("bsr", 4, data=np.empty((1, 0, 4)))),
    ("an index of rows that falls.npz", npz("csr", 2, indptr=[0, 9, 1])),
    ("a diagonal far away.npz", npz("dia", 5, offsets=[2**62])),
    ("indices far away.npz", npz("csr", 1, indices=[2**40])),
    ("indices below 0.npz", npz("coo", 5, row=[-1])),
    ("a format of a million letters.npz", npz("csr", 3, format="c" * 10**6)),
    ("words as data.npz", npz("coo", 5, data=["x"])),
    ("zeros, damaged.npz", zeros(2**26 + 2**25, damaged=True)),
    ("zeros.npz", zeros(2**28)),
    ("a stated size.npy", npy(HEADER + b"(1000000000, 1000000000), }")),
    ("a size of no bytes.npy", npy(b"{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000,), }")),
    ("a hundred sides.npy", npy(HEADER + b"(" + b"1," * 100 + b"), }") + bytes(8)),
    ("thousands of brackets.npy", npy(HEADER + b"(" * 4_900)),
    ("thousands of signs.npy", npy(HEADER + b"(" + b"-" * 9_000 + b"1,), }")),
    ("thousands of lists.npy", npy(b"[" * 90 + b"{" * 90 + b"1")),
    ("900 million rows.mtx", MARKET.format("real", "900000000 900000000 1\n1 2 1").encode()),
    ("a trillion rows.mtx", MARKET.format("pattern", "1000000000000 1 1\n1 1").encode()),
    ("a billion entries.mtx", MARKET.format("real", "9 9 1000000000\n1 2 1").encode()),
    ("a dense trillion.mtx", b"%%MatrixMarket matrix array real general\n1000000 1000000\n1\n"),
    ("a dense symmetric matrix.mtx", b"%%MatrixMarket matrix array real symmetric\n100000 100000\n1\n"),
    ("complex numbers.mtx", MARKET.format("complex", "2 2 1\n1 2 1 1").encode()),
    ("one line of four megabytes.csv", b"a," * 2**21),
    ("one field of four megabytes.csv", b"a" * 2**22),
    ("a quoted name without an end.csv", b'a,"' + b"b\n" * 10**6),
    ("zeros.csv.gz", gzip.compress(bytes(2**28), 9)),
    ("a dict of thousands of levels.edgelist", b"a b {" + b"[" * 9_000 + b"}\n"),
    ("a dict of a million brackets.edgelist", b"a b {" + b"[" * 10**6 + b"}\n"),
    ("thousands of levels.graphml", b"<a>" * 100_000),
    ("laughs.graphml", LAUGHS.encode()),
    *[
        (f"the encoding {name}.graphml", XML.format(name).encode())
        for name in ("none-such", "rot13", "zip", "idna", "punycode", "undefined", "utf-7", "utf-32", "unicode_escape")
    ],
    ("thousands of keys.toml", b"a" + b".a" * 20_000 + b" = 1"),
    ("thousands of quoted keys.toml", b'"a"' + b" . 'a'" * 7_000 + b" = 1"),
    ("a table in thousands of tables.toml", b"[" + b"a." * 20_000 + b"a]"),
    ("thousands of arrays.toml", b"a = " + b"[" * 100_000),
    ("thousands of inline tables.toml", b"a = " + b"{a = " * 20_000),
    ("thousands of quotes.toml", b'a = "' + b'\\"' * 100_000),
    ("a number of many digits.toml", b"a = " + b"9" * 900_000),
]


@pytest.mark.parametrize(("name", "content"), BOMBS, ids=[name for name, _ in BOMBS])
def test_a_bomb_is_refused_in_one_line_within_two_seconds_and_300_megabytes(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    doors = [Presets("recipe", tmp_path).read] if name.endswith(".toml") else [read_matrix, name_file]
    for door in doors:
        found = refusal(door, path)
        assert found is not None and name in found.said


def test_an_archive_that_unpacks_too_far_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("gnnmax.io.graph_files.zip_archives.LARGEST_ARRAY", 2**20)
    path = tmp_path / "zeros.npz"
    path.write_bytes(zeros(2**22))
    found = refusal(read_matrix, path)
    assert "unpacks to" in found.said and found.bytes < 2**21


@pytest.mark.parametrize("form", SPARSE)
def test_a_graph_of_two_million_nodes_without_edges_stays_legal(form, tmp_path):
    scipy.sparse.save_npz(tmp_path / "g.npz", scipy.sparse.coo_array((2**21, 2**21)).asformat(form))
    assert read_matrix(tmp_path / "g.npz").shape == (2**21, 2**21)


def test_a_link_to_itself_is_refused_in_one_line(tmp_path, capsys):
    for suffix in (".npy", ".csv", ".toml"):
        (tmp_path / f"loop{suffix}").symlink_to(f"loop{suffix}")
    for call in (
        ["detect", str(tmp_path / "loop.npy"), "--models", "none", "--out", str(tmp_path / "o.csv")],
        ["detect", str(tmp_path / "loop.csv"), "--models", "none"],
        ["detect", str(tmp_path / "loop.npy"), "--models", "none", "--positions", str(tmp_path / "loop.csv")],
        ["generate", str(tmp_path / "loop.toml"), "--out", str(tmp_path / "out")],
    ):
        assert main(call) == 2
        said = capsys.readouterr().err
        assert "loop" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 4.6 GiB for an array with shape (9, 9)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4600000000 bytes."),
        MemoryError(),
    ],
    ids=["numpy", "torch", "plain"],
)
def test_a_command_that_lacks_memory_says_so_in_one_line(error, tmp_path, capsys, monkeypatch):
    np.save(tmp_path / "m.npy", np.eye(9))

    def fail(*_, **__):
        raise error

    monkeypatch.setattr("gnnmax.detection.search.prepare_matrix", fail)
    assert main(["detect", str(tmp_path / "m.npy"), "--models", "none"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gnnmax: not enough memory: ") and said.count("\n") == 1
    assert str(error) in said
