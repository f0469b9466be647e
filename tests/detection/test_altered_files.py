"""Altered files of every format that a person can hand in: read, or refused in one line, cheaply; never a traceback."""

import random

import numpy as np
import pytest

from gnnmax.data.hosts.own_files import name_file
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.positions import read_positions
from gnnmax.detection.search import find_maxima
from gnnmax.errors import InputError
from gnnmax.io.presets import Presets
from tests.support.graph_content import SAMPLES, SPARSE, members_of, small_matrix, with_member
from tests.support.mutations import mutants
from tests.support.refusal_cost import refusal

pytestmark = pytest.mark.altered

TOML = b"""# a recipe
name = "x"
k = 9
splits.train = 10
[noise]
law = 'normal'
shift = [0.5, -1e3]
[[hosts]]
kind = "file"
path = \"\"\"g.csv\"\"\"
when = 2026-01-01T00:00:00Z
inline = {a = 1, b.c = [[1], [2]]}
"""


def search(path, *, expected=None):
    """Find the maxima of a file in both modes, as detect does; the matrix must be the expected one, if there is one."""
    matrix = read_matrix(path)
    if expected is not None:
        np.testing.assert_array_equal(matrix.toarray() if hasattr(matrix, "toarray") else matrix, expected)
    find_maxima(matrix, mode="graph")
    find_maxima(matrix, k=3)


@pytest.mark.parametrize("name", SAMPLES)
def test_an_altered_file_is_read_or_refused(name, tmp_path, mutant_count):
    path = tmp_path / f"g{name[name.index('.') :]}"
    path.write_bytes(SAMPLES[name])
    search(path)
    name_file(path)
    expected = small_matrix() if name.endswith(".npz") else None  # an archive has checksums
    refused = 0
    for content in mutants(SAMPLES[name], mutant_count):
        path.write_bytes(content)
        refused += refusal(search, path, expected=expected) is not None
        refusal(name_file, path)
    assert refused > 0


@pytest.mark.parametrize("name", [*(f"{form}.npz" for form in SPARSE), "dense.npz"])
def test_an_archive_with_an_altered_member_and_a_right_checksum_is_read_or_refused(name, tmp_path, mutant_count):
    path, rng = tmp_path / "g.npz", random.Random(0)
    members = members_of(SAMPLES[name])
    streams = {member: mutants(content, mutant_count) for member, content in members.items()}
    refused = 0
    for _ in range(mutant_count):
        member = rng.choice(sorted(members))
        path.write_bytes(with_member(SAMPLES[name], member, next(streams[member])))
        refused += refusal(search, path) is not None
        refusal(name_file, path)
    assert refused > 0


def test_a_column_whose_name_has_a_line_break_is_refused_in_one_line(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text('"a\nb",c,d\n1,2,3\n')
    with pytest.raises(InputError, match="no columns i, j") as refused:
        read_positions(path, (("x",), ("y",)))
    assert "\n" not in str(refused.value)


def test_an_altered_list_of_positions_is_read_or_refused(tmp_path, mutant_count):
    path = tmp_path / "p.csv"
    named, numbered = b'i,j\n"a, b",c\r\n"d""e",c\n', b"row,column\n3,4\n0,12\n99,1\n"
    nodes = ("a, b", "c", 'd"e')
    for content, names in ((named, (nodes, nodes)), (numbered, None)):
        path.write_bytes(content)
        assert len(read_positions(path, names)) > 1
        for altered in mutants(content, mutant_count):
            path.write_bytes(altered)
            refusal(read_positions, path, names)


def test_altered_toml_is_read_or_refused(tmp_path, mutant_count):
    path, presets = tmp_path / "r.toml", Presets("recipe", tmp_path)
    path.write_bytes(TOML)
    assert presets.read(path)["hosts"][0]["inline"] == {"a": 1, "b": {"c": [[1], [2]]}}
    for content in mutants(TOML, mutant_count):
        path.write_bytes(content)
        refusal(presets.read, path)
