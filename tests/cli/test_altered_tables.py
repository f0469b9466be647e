"""Altered tables and small records, of people and of the package: read or refused in one line."""

import io
import json

import numpy as np
import pytest

from gnnmax.detection.label_files import read_labels
from gnnmax.detection.mask_files import read_mask
from gnnmax.evaluation.column_files import read_column
from gnnmax.experiments.divergence import Divergence, diverged_in, write_divergence
from gnnmax.experiments.reproduction.cells import Cells
from gnnmax.io.table_columns import read_table_columns
from gnnmax.io.table_files import read_arrays
from tests.support.altered_json import Tried, altered_trees
from tests.support.mutations import mutants

pytestmark = pytest.mark.altered

RNG = np.random.default_rng(0)
PLACES = "i,j,score,chrom1\n" + "".join(f"{i},{i + 3},{score:.4f},chr{i}\n" for i, score in enumerate(RNG.random(20)))


def saved(save, *arrays, **named):
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def parquet():
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pa.table({"i": [1, 2, 3], "j": [4, 5, 6], "score": [0.5, 1.0, 2.0]}), file)
    return file.getvalue()


SCORES = RNG.normal(size=20)
FILES = {
    "scores.csv": ("\n".join(["score", *map(str, SCORES)]).encode(), lambda path: read_column(path, "score")),
    "scores.npy": (saved(np.save, SCORES), lambda path: read_column(path, "score")),
    "scores.npz": (saved(np.savez, score=SCORES), lambda path: read_column(path, "score")),
    "labels.csv": (b"graph,label\n" + b"a,1\nb,0\n" * 9, lambda path: read_column(path, "label")),
    "graphs.csv": (b"graph\n" + b"1\n1\n2\n" * 9, lambda path: read_column(path, "graph")),
    "windows.csv": ("\n".join(",".join(map(str, row)) for row in RNG.random((9, 9))).encode(), read_arrays),
    "windows.npz": (saved(np.savez, values=RNG.random((4, 3, 3)), label=np.ones(4, bool)), read_arrays),
    "windows.parquet": (parquet(), read_arrays),
    "calls.csv": (PLACES.encode(), read_table_columns),
    "calls.parquet": (parquet(), read_table_columns),
    "arms.txt": (b"p\np\nq\n" * 5, read_labels),
    "mask.npy": (saved(np.save, np.eye(5, dtype=bool)), lambda path: read_mask(path, (5, 5))),
}


@pytest.mark.parametrize("name", FILES)
def test_an_altered_table_is_read_or_refused(tmp_path, mutant_count, name):
    content, read = FILES[name]
    file, tried = tmp_path / name, Tried()
    for mutant in mutants(content, mutant_count):
        file.write_bytes(mutant)
        tried(read, file)
    tried.check(least=0)


def test_an_altered_record_of_a_divergence_is_read_or_refused(tmp_path, mutant_count):
    write_divergence(tmp_path / "gnn" / "seed-0", Divergence(seed=0, step=9, reason="the loss is nan"))
    file, tried = tmp_path / "gnn" / "seed-0" / "diverged.json", Tried()
    content = file.read_bytes()
    for altered in (mutants(content, mutant_count), altered_trees(json.loads(content), mutant_count)):
        for mutant in altered:
            file.write_bytes(mutant)
            found = tried(diverged_in, tmp_path)
            assert found is None or "diverged at step" in found["gnn"]
    tried.check(least=0.3)


def test_an_altered_cell_is_read_as_it_was_or_refused(tmp_path, mutant_count):
    cells, tried = Cells(tmp_path), Tried()
    cells.measured({"n": 10}, lambda: 0.5)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for altered in (mutants(content, mutant_count), altered_trees(json.loads(content), mutant_count)):
        for mutant in altered:
            file.write_bytes(mutant)
            found = tried(cells.measured, {"n": 10}, lambda: 0.5)
            assert found is None or isinstance(found, float)
    tried.check(least=0.3)
