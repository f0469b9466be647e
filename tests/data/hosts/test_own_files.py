"""Hosts from the user's own file or object: content that is read, and content that is refused with a reason."""

import io
import zipfile

import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from gnnmax.data.generation import build
from gnnmax.data.hosts import own_files as files
from gnnmax.data.hosts.host import check_edges
from gnnmax.data.hosts.own_files import File, keep, name_file
from gnnmax.data.store import write_dataset
from gnnmax.data.subgraphs.subgraph import SubgraphSpec
from gnnmax.data.verification import check_windows_of, verify
from gnnmax.errors import InputError
from tests.support.hosts import dense
from tests.support.recipes import recipe_of

SUFFIXES = (".npz", ".npy", ".mtx", ".csv", ".graphml")


def rng(seed=0):
    return np.random.default_rng(seed)


def matrix_of(nodes=40, seed=0, directed=False):
    """A matrix with weights of both signs and a diagonal."""
    draw = rng(seed)
    matrix = np.where(draw.random((nodes, nodes)) < 0.5, draw.standard_normal((nodes, nodes)), 0.0)
    matrix = matrix.astype(np.float32).astype(np.float64)
    return matrix if directed else np.triu(matrix) + np.triu(matrix, 1).T


def write(matrix, path, directed=False):
    if path.suffix == ".npz":
        scipy.sparse.save_npz(path, scipy.sparse.csr_array(matrix))
    elif path.suffix == ".npy":
        np.save(path, matrix)
    elif path.suffix == ".mtx":
        scipy.io.mmwrite(path, scipy.sparse.coo_array(matrix), precision=17)
    elif path.suffix == ".csv":
        ends = np.argwhere(matrix if directed else np.triu(matrix))
        path.write_text("".join(f"{u},{v},{float(matrix[u, v])!r}\n" for u, v in ends.tolist()))
    else:
        kind = nx.DiGraph if directed else nx.Graph
        nx.write_graphml(nx.from_numpy_array(matrix, create_using=kind), path)
    return path


def without_diagonal(matrix):
    return np.where(np.eye(len(matrix), dtype=bool), 0, matrix).astype(np.float32)


def refused(path, match, **fields):
    with pytest.raises(InputError, match=match) as caught:
        name_file(path, **fields)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_same_graph(tmp_path, suffix, directed):
    matrix = matrix_of(directed=directed)
    host = name_file(write(matrix, tmp_path / f"g{suffix}", directed), directed=directed).sample(rng())
    check_edges(host)
    assert (dense(host) == without_diagonal(matrix)).all()
    assert host.directed == directed
    assert (dense(host) == dense(host).T).all() != directed


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_refused(tmp_path, suffix):
    path = write(matrix_of(12), tmp_path / f"g{suffix}")
    content = path.read_bytes()
    # A number cut short is a number, and a shorter list a list: there only the digest tells.
    lengths = {".csv": [0, 1, 3], ".mtx": [0, 1, 5, -60], ".graphml": [0, 1, 5, -30]}
    for length in lengths.get(suffix, [0, 1, 5, len(content) // 3, -2, -1]):
        path.write_bytes(content[:length])
        refused(path, "(?i)not|missing|holds|expected")
    path.write_bytes(b"\x00\xff" * 500)
    refused(path, "(?i)not|complete|holds")


def test_the_digest_is_checked_on_every_draw(tmp_path):
    path = write(matrix_of(), tmp_path / "g.npy")
    family = name_file(path)
    family.sample(rng())
    write(matrix_of(seed=1), path)
    with pytest.raises(InputError, match="does not have the content that the recipe states"):
        family.sample(rng())
    path.unlink()
    with pytest.raises(InputError, match="cannot read the graph"):
        family.sample(rng())


def test_relative_paths_start_from_the_current_folder(tmp_path, monkeypatch):
    write(matrix_of(), tmp_path / "g.npy")
    monkeypatch.chdir(tmp_path)
    family = name_file("g.npy")
    assert family.path == "g.npy" and family.sample(rng()).nodes == 40
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="cannot read"):
        family.sample(rng())


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_pickles_are_refused_and_never_run(tmp_path, suffix):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").write_text, ("",))

    objects = np.empty((2, 2), dtype=object)
    objects[:] = Trap()
    path = tmp_path / f"g{suffix}"
    with path.open("wb") as file:
        (np.save if suffix == ".npy" else np.savez)(file, objects)
    (tmp_path / "sprung").unlink(missing_ok=True)
    refused(path, "pickled objects")
    path.write_bytes(b"\x80\x04N.")
    refused(path, "not a")
    assert not (tmp_path / "sprung").exists()


def test_files_that_are_too_large_or_unfold_too_far_are_refused(tmp_path, monkeypatch):
    path = write(matrix_of(), tmp_path / "g.npy")
    monkeypatch.setattr(files, "LARGEST_FILE", 100)
    refused(path, "larger than 100 bytes")
    monkeypatch.undo()
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("a.npy", b"\0" * 2**20)
    monkeypatch.setattr("gnnmax.io.graph_files.zip_archives.LARGEST_ARRAY", 2**19)
    refused(bomb, "unpacks to")


def test_a_header_that_states_more_than_is_there_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "g.npy"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9)})
    path.write_bytes(header.getvalue() + b"\0" * 64)
    refused(path, "a part is missing")
    path = tmp_path / "g.mtx"
    path.write_text("%%MatrixMarket matrix array real general\n1000000 1000000\n1\n")
    refused(path, "states 1000000000000 entries")
    path.write_text("%%MatrixMarket matrix coordinate real general\n900000000 900000000 1\n1 2 1\n")
    refused(path, "states 900000000 x 900000000 entries")


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".mtx"])
@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda m: m[:, :5], "square"),
        (lambda m: m.astype(complex) + 1j, "real numbers"),
        (lambda m: np.where(np.arange(6)[:, None] * np.arange(6) == 20, np.nan, m), "finite"),
        (lambda m: np.where(np.arange(6)[:, None] * np.arange(6) == 20, 1e300, m), "finite in float32"),
        (lambda m: m + np.triu(np.ones((6, 6)), 1), "not symmetric"),
    ],
    ids=["rectangle", "complex", "nan", "overflow", "asymmetric"],
)
def test_matrices_that_are_no_weighted_graph_are_refused(tmp_path, suffix, spoil, match):
    refused(write(spoil(matrix_of(6)), tmp_path / f"g{suffix}"), match)


def test_a_matrix_that_is_symmetric_in_pattern_only_is_refused_and_taken_as_directed(tmp_path):
    path = write(np.array([[0, 1.0], [2.0, 0]]), tmp_path / "g.npy")
    refused(path, r"\(0, 1\) and \(1, 0\) differ; give directed = true")
    assert name_file(path, directed=True).sample(rng()).weights.tolist() == [1.0, 2.0]


def test_the_diagonal_is_left_out_even_where_it_was_not_observed(tmp_path):
    path = write(np.array([[np.nan, 1.0], [1.0, np.inf]]), tmp_path / "g.npy")
    assert name_file(path).sample(rng()).weights.tolist() == [1.0]


def test_one_dense_array_in_an_npz_is_read_and_several_are_not(tmp_path):
    matrix = matrix_of(8)
    np.savez(tmp_path / "one.npz", anything=matrix)
    assert (dense(name_file(tmp_path / "one.npz").sample(rng())) == without_diagonal(matrix)).all()
    np.savez(tmp_path / "two.npz", a=matrix, b=matrix)
    refused(tmp_path / "two.npz", "holds 2 arrays")


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
def test_every_sparse_form_of_scipy_is_read(tmp_path, form):
    matrix = matrix_of(8)
    scipy.sparse.save_npz(tmp_path / "g.npz", scipy.sparse.csr_array(matrix).asformat(form))
    assert (dense(name_file(tmp_path / "g.npz").sample(rng())) == without_diagonal(matrix)).all()


def test_indices_outside_a_sparse_matrix_are_refused(tmp_path):
    path = tmp_path / "g.npz"
    wrong = {"indices": np.array([9]), "indptr": np.array([0, 1, 1]), "format": np.array(b"csr")}
    np.savez(path, shape=np.array([2, 2]), data=np.array([1.0]), **wrong)
    refused(path, "its indices must lie from 0 to 1, not from 9 to 9")


def test_matrix_market_files_may_be_symmetric_patterns_and_dense(tmp_path):
    path = tmp_path / "g.mtx"
    path.write_text("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n")
    assert name_file(path).sample(rng()).weights.tolist() == [1.0, 1.0]
    path.write_text("%%MatrixMarket matrix array real symmetric\n2 2\n0\n7\n0\n")
    assert name_file(path).sample(rng()).weights.tolist() == [7.0]
    path.write_text("%%MatrixMarket matrix coordinate real general\n3 3 2\n1 2 1.0\n1 2 1.0\n")
    refused(path, "given twice", directed=True)


@pytest.mark.parametrize("header", ["", "from,to,weight\n", "\ufeffu,v,w\n"])
def test_a_list_of_edges_with_and_without_a_header(tmp_path, header):
    path = tmp_path / "g.csv"
    path.write_text(header + 'b,a,1.5\n\n"c, d",b,2\n', encoding="utf-8")
    host = name_file(path).sample(rng())
    assert host.nodes == 3  # b, a, "c, d" in the order of first mention
    assert host.edges.tolist() == [[0, 1], [0, 2]] and host.weights.tolist() == [1.5, 2.0]


def test_names_that_are_whole_numbers_are_put_in_their_order(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text("10,9,1\n9,-2,2\n")
    host = name_file(path).sample(rng())  # -2, 9, 10
    assert host.edges.tolist() == [[0, 1], [1, 2]] and host.weights.tolist() == [2.0, 1.0]
    path.write_text("10,9,1\n9,x,2\n")
    assert name_file(path).sample(rng()).edges.tolist() == [[0, 1], [1, 2]]  # 10, 9, x


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("a,b", "line 3: expected u,v,weight, not 2 fields"),
        ("a,b,1,2", "line 3: .* not 4 fields"),
        ("a,b,heavy", "line 3: expected a number as weight, not 'heavy'"),
        ("a,b,nan", "weights must be finite in float32, not nan: leave out edges that were not observed"),
        ("a,b,-inf", "weights must be finite in float32, not -inf"),
        (",b,1", "line 3: expected two names"),
        ("x,y,5", "line 3: the edge x,y is in line 2 already"),
        ('a,"b,1', "line 3"),
        ("y,x,4", "not symmetric"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, line, match):
    path = tmp_path / "g.csv"
    path.write_text(f"u,v,weight\nx,y,1\n{line}\nb,c,1\n")
    refused(path, match)


def test_a_first_line_that_is_no_header_is_not_skipped(tmp_path):
    path = tmp_path / "g.csv"
    for first in ("a,b,1x", "a,,1", "a,b"):
        path.write_text(f"{first}\nb,c,1\n")
        refused(path, "line 1")
    path.write_text("u,v,weight\n")
    refused(path, "holds no edge")
    path.write_bytes(b"a,b,1\n\xff\xfe,b,1\n")
    refused(path, "not text in UTF-8")


def test_both_directions_of_an_undirected_edge_may_be_listed_equally(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text("a,b,1\nb,a,1\nb,c,2\n")
    assert name_file(path).sample(rng()).weights.tolist() == [1.0, 2.0]
    assert len(name_file(path, directed=True).sample(rng()).edges) == 3


def test_graphml_without_weights_has_ones_and_with_some_is_refused(tmp_path):
    path = tmp_path / "g.graphml"
    nx.write_graphml(nx.path_graph(4), path)
    assert name_file(path).sample(rng()).weights.tolist() == [1.0] * 3
    graph = nx.path_graph(4)
    graph[0][1]["weight"] = 2.0
    nx.write_graphml(graph, path)
    refused(path, "2 of 3 have none")
    words = nx.path_graph(2)
    words[0][1]["weight"] = "heavy"
    nx.write_graphml(words, path)
    refused(path, "real numbers")
    nx.write_graphml(nx.MultiGraph([(0, 1), (0, 1)]), path)
    refused(path, "parallel edges")


ENTITIES = (
    '<!DOCTYPE graphml [<!ENTITY a "aaaa">]><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    '<graph edgedefault="undirected"><node id="&a;"/><node id="b"/><edge source="&a;" target="b"/></graph></graphml>'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1252"])
@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="{}"?>', "<!-- a comment -->\n"])
def test_a_graphml_that_unfolds_entities_is_refused_in_every_encoding(tmp_path, head, encoding):
    path = tmp_path / "g.graphml"
    path.write_bytes((head.format(encoding.removesuffix("-sig")) + ENTITIES).encode(encoding))
    refused(path, "document type")


def test_a_graphml_in_utf_16_without_a_document_type_is_read(tmp_path):
    path = tmp_path / "g.graphml"
    rest = ENTITIES.replace("&a;", "a").partition("<graphml")[2]
    path.write_bytes(f"<!-- no <!DOCTYPE here --><graphml{rest}".encode("utf-16"))
    assert name_file(path).sample(rng()).weights.tolist() == [1.0]


def test_other_endings_and_folders_are_refused(tmp_path):
    refused(tmp_path / "g.pkl", "ends in .npz")
    (tmp_path / "g.npy").mkdir()
    refused(tmp_path / "g.npy", "cannot read")


@pytest.mark.parametrize("directed", [False, True])
def test_a_kept_graph_is_the_same_again_with_the_same_bytes(tmp_path, directed):
    matrix = matrix_of(directed=directed)
    first, second = (keep(matrix, tmp_path / name, directed=directed) for name in ("a.npz", "b.npz"))
    assert first.sha256 == second.sha256
    assert (dense(first.sample(rng())) == without_diagonal(matrix)).all()
    with pytest.raises(InputError, match="new file"):
        keep(matrix, tmp_path / "a.npz")


def planted(family, **changes):
    from msgspec import to_builtins

    return recipe_of(family, hosts=[to_builtins(family)], **{"splits": {"test": 1}, **changes})


def test_a_recipe_on_a_file_builds_is_stored_and_verified(tmp_path):
    path = write(np.abs(matrix_of(60)), tmp_path / "g.csv")
    recipe = planted(name_file(path), cuts=["neighbours"])
    folder = write_dataset(recipe, tmp_path / "data")
    assert all(check.holds for check in verify(folder))
    assert build(recipe).test.values.tobytes() == build(recipe).test.values.tobytes()
    path.write_text(path.read_text() + "0,1000,1\n")
    wrong = [check for check in verify(folder) if not check.holds]
    assert len(wrong) == 1 and "does not have the content" in wrong[0].found


def test_a_file_with_weights_stands_in_one_split_once_and_without_in_many(tmp_path):
    path = write(np.abs(matrix_of(60)), tmp_path / "g.mtx")
    with pytest.raises(ValueError, match="once in all splits"):
        planted(name_file(path), splits={"train": 1, "test": 1})
    family = name_file(path, weighted=False)
    assert family.sample(rng()).weights is None
    recipe = planted(family, splits={"train": 2, "test": 1})
    data = build(recipe)
    assert all(check.holds for check in check_windows_of(recipe, "train", data.train))


def test_a_directed_file_gives_contexts_that_are_not_symmetric(tmp_path):
    family = name_file(write(np.abs(matrix_of(60, directed=True)), tmp_path / "g.npz"), directed=True)
    context = build(planted(family)).test.row_context
    assert (context != context.transpose(0, 2, 1)).any()


def test_a_subgraph_larger_than_the_file_is_refused_when_it_is_drawn(tmp_path):
    family = name_file(write(np.abs(matrix_of(30)), tmp_path / "g.npy"))
    with pytest.raises(InputError, match="its host, which has 30"):
        build(planted(family, subgraphs=[{"nodes": 31}]))


def test_a_large_sparse_file_is_sampled_without_its_matrix(tmp_path):
    nodes = 60_000
    ring = scipy.sparse.coo_array((np.ones(nodes), (np.arange(nodes), np.roll(np.arange(nodes), 1))))
    family = keep(ring + ring.T, tmp_path / "ring.npz")
    host = family.sample(rng())
    assert len(SubgraphSpec(nodes=50, choose="ego").sample(host, host.weights, rng()).nodes) == 50


def test_a_family_of_a_file_is_plain_fields(tmp_path):
    with pytest.raises(ValueError, match="sha256"):
        recipe_of(File(path="x.csv", sha256="0" * 63), splits={"test": 1})
