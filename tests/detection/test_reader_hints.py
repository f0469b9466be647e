"""What a reader says about a file that it refuses holds for that file."""

import io
import re

import numpy as np
import pytest

from gnnmax.detection.matrix_files import read_matrix
from gnnmax.errors import InputError

HEAD = "%%MatrixMarket matrix coordinate real "


def npy(*, cut=0, twice=False):
    file = io.BytesIO()
    for _ in range(2 if twice else 1):
        np.save(file, np.eye(5))
    return file.getvalue()[: -cut or None]


HINTS = [
    ("m.npy", npy(cut=8), "states 200 bytes of numbers and has 192: a part is missing: copy the file again"),
    ("m.npy", npy(twice=True), "has 528: it holds more than it states"),
    ("m.mtx", HEAD + "general\n3 3 2\n1 2 1.50000000\n", "states 2 entries and has 1: a part is missing"),
    ("m.mtx", HEAD + "general\n3 3 1\n1 2 1.5\n1 3 1.5\n", "states 1 entries and has 2: it holds more than it states"),
    ("m.mtx", HEAD + "symmetric\n3 4 1\n2 1 1.5\n", "a symmetric matrix of 3 x 4 entries, not a square one"),
    ("m.mtx", HEAD + "skew-symmetric\n3 4 1\n2 1 1.5\n", "a skew-symmetric matrix of 3 x 4 entries, not a square one"),
    ("m.mtx", HEAD + "general\n900000000 3 1\n1 2 1.5\n", "number rows and columns that have entries without gaps"),
    ("m.mtx", HEAD + "general\n3 3 99999\n1 2 1.5\n", "states 99999 entries, more than it can hold: a part is missing"),
    ("m.csv", "u,v,weight\na,b,heavy\n", "line 2: expected a number as weight, not 'heavy'"),
    ("m.csv", "a,b," + "1" * 2**25, "give lines u,v,weight, or a dense matrix as .npy"),
]


@pytest.mark.parametrize(("name", "content", "said"), HINTS)
def test_a_refused_file_gets_a_hint_that_holds(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        read_matrix(tmp_path / name)
    assert "?" not in str(refused.value)
