"""Detection: the rule on whole matrices and graphs, against filters, pools and plain gathering."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from scipy.ndimage import maximum_filter
from torch.nn import functional
from torch_geometric.utils import scatter

from benchmarks.image_peaks import PEERS, against_peer
from benchmarks.rows import Figure, Row, Setting, Target
from benchmarks.timing import Lane, race, time_alone
from gnnmax import find_maxima
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.normalisation import NORMALISATIONS
from gnnmax.detection.score_maps import WindowScores
from gnnmax.detection.search import prepare_matrix, search_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.models.images.dense_tower import DenseTower
from gnnmax.models.model_folders import load_model
from gnnmax.models.registry import build_model

__all__ = ["ROWS"]

K = 9
MEMORY = 64 * 2**20


def matrix_of(n: int) -> npt.NDArray[np.float32]:
    """Draw a matrix of float32."""
    return np.random.default_rng(0).random((n, n), dtype=np.float32)


def against_filter(n: int, name: str, setting: Setting) -> Row:
    """Race the rule against scipy's filter and a comparison, which is not strict at ties."""
    matrix = matrix_of(setting.size(n, 64))

    def peer() -> Any:
        return np.nonzero(maximum_filter(matrix, K, mode="constant", cval=-np.inf) == matrix)

    return race(
        name,
        Lane("ours", lambda: find_maxima(matrix, K), matrix.size),
        Lane("scipy maximum_filter", peer, matrix.size),
        "entry",
        Target("speed", 5.0),
        setting,
    )


def against_pool(name: str, setting: Setting) -> Row:
    """Race the rule against torch's maximum pool, stride 1."""
    matrix = matrix_of(setting.size(4096, 64))
    image = torch.from_numpy(matrix)[None, None]

    def peer() -> Any:
        return torch.nonzero(functional.max_pool2d(image, K, stride=1, padding=K // 2) == image)

    ours = Lane("ours", lambda: find_maxima(matrix, K), matrix.size)
    return race(name, ours, Lane("torch max_pool2d", peer, matrix.size), "entry", Target("speed"), setting)


def beside_the_rule(
    options: dict[str, Any], target: float | None, name: str, setting: Setting, *, side: int = 4000
) -> Row:
    """Race the rule with further options against the rule alone."""
    matrix = matrix_of(setting.size(side, 64))
    return race(
        name,
        Lane("ours", lambda: find_maxima(matrix, K, **options), matrix.size),
        Lane("the rule alone", lambda: find_maxima(matrix, K), matrix.size),
        "entry",
        Target("cost", target),
        setting,
    )


def memory(
    draw: Callable[[Setting], npt.NDArray[np.float32]], allowed: str, share: float, name: str, setting: Setting
) -> Row:
    """Measure the memory that the rule allocates besides the matrix and the result."""
    matrix = draw(setting)
    tracemalloc.start()
    try:
        maxima = find_maxima(matrix, K)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    returned = sum(getattr(maxima, part).nbytes for part in ("rows", "columns", "values", "margin", "ties", "missing"))
    return Row(
        name,
        Figure("ours", float(peak - returned), "call", "B"),
        Figure(allowed, float(matrix.nbytes if allowed == "the file" else MEMORY), "call", "B"),
        Target("cost", share),
    )


def graph_of(setting: Setting) -> sp.csr_array:
    """Draw an undirected graph of a million nodes and ten million edges."""
    n, m = setting.size(1_000_000, 50), setting.size(10_000_000, 200)
    rng = np.random.default_rng(0)
    ends = np.sort(rng.integers(n, size=(m, 2)), axis=1)
    ends = ends[ends[:, 0] != ends[:, 1]]
    upper = sp.coo_array((rng.random(len(ends)), ends.T), shape=(n, n)).tocsr()
    graph = (upper + upper.T).tocsr()
    graph.sort_indices()
    return graph


def against_gathers(name: str, setting: Setting) -> Row:
    """Race the graph mode, of a graph that was read, against gathering one number for both ends of every edge."""
    graph, search = graph_of(setting), SearchOptions(mode="graph", directed=False)
    source = prepare_matrix(graph, search)  # finds out that it is symmetric
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    best = np.random.default_rng(1).random(graph.shape[0])
    return race(
        name,
        Lane("ours", lambda: search_matrix(source, search), graph.nnz),
        Lane("two gathers", lambda: (best[rows], best[graph.indices]), graph.nnz),
        "entry",
        Target("cost", 1.0),
        setting,
    )


def against_scatter(name: str, setting: Setting) -> Row:
    """Race the graph mode, of a graph that was read, against the largest edge of every node by scatter."""
    graph, search = graph_of(setting), SearchOptions(mode="graph", directed=False)
    source = prepare_matrix(graph, search)
    rows = torch.from_numpy(np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr)))
    columns, values = torch.from_numpy(graph.indices.astype(np.int64)), torch.from_numpy(graph.data)

    def peer() -> Any:
        best = scatter(values, rows, dim_size=graph.shape[0], reduce="max")
        return torch.nonzero((values == best[rows]) & (values == best[columns]))

    ours = Lane("ours", lambda: search_matrix(source, search), graph.nnz)
    return race(name, ours, Lane("PyG scatter", peer, graph.nnz), "entry", Target("speed", 3.0), setting)


def net_on_edges(net: str, target: float | None, name: str, setting: Setting) -> Row:
    """Time a shipped net on the edges of a ring whose nodes are joined with the 60 nearest ones."""
    n, half = setting.size(2_000, 40), setting.size(30, 10)
    first = np.repeat(np.arange(n), half)
    second = (first + np.tile(np.arange(1, half + 1), n)) % n
    weights = np.random.default_rng(0).normal(size=len(first))
    upper = sp.coo_array((weights, (first, second)), shape=(n, n)).tocsr()
    search = SearchOptions(k=K, mode="graph", directed=False)
    source, scores = prepare_matrix(upper + upper.T, search), WindowScores(load_model(net, device="cpu"), net)
    ours = time_alone(Lane("ours", lambda: scores.score(source, search), len(first)), "edge", setting)
    allowed = Figure("20,000 edges/s", 1 / 20_000, "edge")
    return Row(name, ours, allowed, Target("cost", None if setting.quick else target))


def edge_files(setting: Setting) -> tuple[Path, Path, int]:
    """Write an undirected graph as a list of edges and as an archive, once; return both files and the edges."""
    listed, stored, n = setting.folder / "edges.csv", setting.folder / "edges.npz", setting.size(100_000, 50)
    rng = np.random.default_rng(0)
    ends = np.unique(np.sort(rng.integers(n, size=(setting.size(1_000_000, 200), 2)), axis=1), axis=0)
    u, v = rng.permutation(ends[ends[:, 0] != ends[:, 1]]).T
    weights = rng.integers(1_000_000, size=len(u)) / 1e6
    if not listed.exists():
        np.savetxt(listed, np.stack([u, v, weights], axis=1), fmt=["%d", "%d", "%.6f"], delimiter=",")
        upper = sp.coo_array((weights, (u, v)), shape=(n, n)).tocsr()
        sp.save_npz(stored, upper + upper.T, compressed=False)
    return listed, stored, len(u)


def edge_list(name: str, setting: Setting) -> Row:
    """Race the graph mode on a list of edges in text against the same graph in an archive, reading included."""
    listed, stored, edges = edge_files(setting)

    def ours() -> Any:
        return find_maxima(read_matrix(listed), mode="graph")

    def peer() -> Any:
        return find_maxima(read_matrix(stored), mode="graph", directed=False)

    lanes = Lane("ours", ours, edges), Lane("the same as .npz", peer, edges)
    return race(name, *lanes, "edge", Target("cost"), setting)


def edge_list_memory(name: str, setting: Setting) -> Row:
    """Measure the memory that the graph mode allocates for a list of edges, from its text to the maxima."""
    listed, _, edges = edge_files(setting)
    tracemalloc.start()
    try:
        find_maxima(read_matrix(listed), mode="graph")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    allowed = Figure("allowed", 200.0, "edge", "B")
    return Row(name, Figure("ours", peak / edges, "edge", "B"), allowed, Target("cost", None if setting.quick else 1.0))


def everywhere(name_of_net: str, target: float, name: str, setting: Setting) -> Row:
    """Race a tower applied to the whole matrix against the same net on batches of its windows; scores are equal."""
    net = build_model(name_of_net, K, {"encoding": "none"}, seed=0).eval()
    tower, image = DenseTower(net, K), torch.from_numpy(matrix_of(setting.size(300, 40)))
    windows = image.unfold(0, K, 1).unfold(1, K, 1).flatten(0, 1)
    part = windows[: setting.size(8192, 256)].contiguous()

    @torch.no_grad()
    def peer() -> torch.Tensor:
        return torch.cat([net(part[start : start + 256]) for start in range(0, len(part), 256)])

    torch.testing.assert_close(tower(image).flatten()[: len(part)], peer(), rtol=1e-5, atol=1e-5)
    ours = Lane("ours", lambda: tower(image), len(windows))
    return race(name, ours, Lane("batches of 256 windows", peer, len(part)), "window", Target("speed", target), setting)


def mapped_matrix(n: int, setting: Setting) -> npt.NDArray[np.float32]:
    """Write a matrix into the scratch folder, some rows at a time, and map it."""
    side, file, rng = setting.size(n, 64), setting.folder / "large.npy", np.random.default_rng(0)
    matrix = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(side, side))
    for start in range(0, side, 1000):
        matrix[start : start + 1000] = rng.random((min(1000, side - start), side), dtype=np.float32)
    matrix.flush()
    mapped: npt.NDArray[np.float32] = read_matrix(file)
    return mapped


def against_peaks(library: str, least: int, n: int, name: str, setting: Setting) -> Row:
    """Race strict maxima against another library's peaks in windows of the same side."""
    matrix = matrix_of(setting.size(n, 64))
    return against_peer(
        PEERS[library], matrix, least, lambda: find_maxima(matrix, 2 * least + 1), name=name, setting=setting
    )


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "detect: ordered, n = 4,096": partial(against_filter, 4096),
    "detect: ordered, n = 16,384": partial(against_filter, 16_384),
    "detect: ordered, max_pool2d": against_pool,
    "detect: memory, n = 16,384": partial(memory, lambda setting: matrix_of(setting.size(16_384, 64)), "allowed", 1.0),
    "detect: memory, mapped, n = 20,000": partial(memory, partial(mapped_matrix, 20_000), "the file", 0.1),
    "detect: min_distance 5": partial(beside_the_rule, {"min_distance": 5}, 3.0),
    "detect: min_distance 15": partial(beside_the_rule, {"min_distance": 15}, None),
    **{f"detect: step {step}": partial(beside_the_rule, {"steps": (step,)}, None) for step in NORMALISATIONS},
    "detect: tower everywhere, valid": partial(everywhere, "question-valid", 20.0),
    "detect: tower everywhere, zero-padded": partial(everywhere, "question", 5.0),
    "detect: graph, gathers": against_gathers,
    "detect: graph, scatter": against_scatter,
    "detect: edges by gnn": partial(net_on_edges, "gnn", 1.0),
    "detect: edges by product": partial(net_on_edges, "product", None),
    "detect: csv edge list": edge_list,
    "detect: csv edge list, memory": edge_list_memory,
    **{f"detect: peer {library}": partial(against_peaks, library, K // 2, 2000) for library in PEERS},
    "detect: min_distance 5, scikit-image": partial(against_peaks, "scikit-image", 5, 1000),
}
