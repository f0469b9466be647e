"""Valid content of every format that a person can hand in, as small as possible, to be altered."""

import io
import zipfile

import networkx as nx
import numpy as np
import scipy.io
import scipy.sparse

SPARSE = ("csr", "csc", "coo", "bsr", "dia")


def small_matrix():
    """A symmetric matrix of 6 nodes with an empty diagonal."""
    rng = np.random.default_rng(0)
    upper = np.triu(np.where(rng.random((6, 6)) < 0.5, rng.integers(1, 99, (6, 6)) / 4, 0), 1)
    return upper + upper.T


def saved(write, *given, **options):
    """Return what a function writes into a binary file."""
    file = io.BytesIO()
    write(file, *given, **options)
    return file.getvalue()


def _mtx(matrix, **options):
    return saved(scipy.io.mmwrite, matrix, **options)


def _samples():
    matrix = small_matrix()
    sparse = scipy.sparse.coo_array(matrix)
    u, v = np.nonzero(np.triu(matrix))
    lines = [f"{a},{b},{matrix[a, b]}\n" for a, b in zip(u.tolist(), v.tolist(), strict=True)]
    names = [f'"node, {a}",n{b},{7 * a + b}\r\n' for a, b in zip(u.tolist(), v.tolist(), strict=True)]
    stored = {form: sparse.tobsr((2, 2)) if form == "bsr" else sparse.asformat(form) for form in SPARSE}
    return {
        **{f"{form}.npz": saved(scipy.sparse.save_npz, matrix) for form, matrix in stored.items()},
        "dense.npz": saved(np.savez, matrix),
        "compressed.npz": saved(np.savez_compressed, matrix.astype(np.float32)),
        "plain.npy": saved(np.save, matrix),
        "big-endian.npy": saved(np.save, matrix.astype(">i4")),
        "coordinate.mtx": _mtx(sparse, symmetry="general"),
        "symmetric.mtx": _mtx(sparse, symmetry="symmetric"),
        "pattern.mtx": _mtx(sparse, symmetry="symmetric", field="pattern"),
        "array.mtx": _mtx(matrix, symmetry="general"),
        "numbers.csv": "".join(["u,v,weight\n", *lines]).encode(),
        "names.csv": "".join(names).encode(),
        "small.graphml": b"\n".join(line.encode() for line in nx.generate_graphml(nx.from_numpy_array(matrix))),
    }


SAMPLES = _samples()
"""Content by a name that ends as files of the format do; each is the matrix of :func:`small_matrix` or its pattern."""


def with_member(content, name, member):
    """Return an archive with one member replaced, and its checksum right."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for known in old.namelist():
            new.writestr(known, member if known == name else old.read(known))
    return out.getvalue()


def members_of(content):
    """Return the members of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as box:
        return {name: box.read(name) for name in box.namelist()}
