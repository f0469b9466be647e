"""Maps as files of contact maps: the reader of the project reads back every entry, and wrong input is refused."""

import h5py
import numpy as np
import pytest

from gnnmax import InputError, Maps, build
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.interop.cool_files import maps_to_cool
from gnnmax.interop.maps import maps_to_tensors
from tests.support.maps import TABLES, map_recipe


def whole(maps):
    """The maps as blocks along the diagonal of one matrix."""
    values, sizes = maps_to_tensors(maps).values.numpy(), maps.size[:, 0]
    matrix = np.zeros((sizes.sum(), sizes.sum()), dtype=np.float32)
    for index, (first, size) in enumerate(zip(np.cumsum(sizes) - sizes, sizes, strict=True)):
        matrix[first : first + size, first : first + size] = values[index, :size, :size]
    return matrix


@pytest.mark.parametrize("name", ["contact", "line", "counts", "directed host", "symmetric spikes"])
def test_the_reader_reads_back_every_entry_with_its_bin(name, tmp_path):
    maps = build(map_recipe(2, **TABLES[name])).test
    read = read_matrix(maps_to_cool(maps, tmp_path / "maps.cool", resolution=5_000))
    n = int(maps.size[0, 0])
    assert np.array_equal(read.matrix.toarray(), whole(maps))
    assert read.matrix.toarray().dtype.kind == ("i" if maps.model.law == "poisson" else "f")
    assert read.names[0][n + 1] == "map1:5000-10000"
    assert read.breaks[0].tolist() == [n]
    assert read.directed is (False if maps.structure == "symmetric" else None)


def test_maps_of_several_sizes_and_without_entries_are_written(tmp_path):
    maps = Maps.from_values([np.zeros((4, 4)), np.ones((3, 3))], structure="symmetric")
    read = read_matrix(maps_to_cool(maps, tmp_path / "maps.cool", names=["a", "b"]))
    assert np.array_equal(read.matrix.toarray(), whole(maps))
    assert read.names[0][4:] == ("b:0-10000", "b:10000-20000", "b:20000-30000")
    empty = Maps.from_values(np.zeros((3, 3)), structure="symmetric")
    assert not read_matrix(maps_to_cool(empty, tmp_path / "empty.cool")).matrix.toarray().any()


def test_weights_of_1_leave_the_balanced_map_as_it_is(tmp_path):
    maps = build(map_recipe(1, **TABLES["contact"])).test
    file = maps_to_cool(maps, tmp_path / "maps.cool", weights=True)
    assert np.array_equal(read_matrix(file, balanced=True).matrix.toarray(), whole(maps))


def test_the_attributes_are_those_that_the_format_asks_for(tmp_path):
    maps = build(map_recipe(2, **TABLES["contact"])).test
    with h5py.File(maps_to_cool(maps, tmp_path / "maps.cool")) as file:
        assert file.attrs["format"] == "HDF5::Cooler"
        assert file.attrs["nbins"] == len(file["bins/start"]) == 80
        assert file.attrs["nnz"] == len(file["pixels/count"])
        assert file.attrs["sum"] == file["pixels/count"][:].sum()
        assert h5py.check_enum_dtype(file["bins/chrom"].dtype) == {"map0": 0, "map1": 1}


@pytest.mark.parametrize(
    ("values", "structure", "options", "message"),
    [
        (np.ones((3, 4)), "bipartite", {}, "the same bins"),
        ([[0, np.nan], [np.nan, 0]], "symmetric", {}, "not observed"),
        ([[0, np.inf], [1, 0]], "directed", {}, "not observed, or infinite"),
        (np.ones((3, 3)), "symmetric", {"resolution": 0}, "resolution must be an integer of at least 1"),
        (np.ones((3, 3)), "symmetric", {"resolution": 2**30}, "lower resolution"),
        (np.ones((3, 3)), "symmetric", {"names": ["a", "b"]}, "1 different texts"),
        (np.ones((3, 3)), "symmetric", {"names": ["\n"]}, "1 different texts"),
    ],
)
def test_what_the_format_cannot_hold_is_refused_and_nothing_is_written(values, structure, options, message, tmp_path):
    maps = Maps.from_values(np.array(values, dtype=float), structure=structure)
    with pytest.raises(InputError, match=message):
        maps_to_cool(maps, tmp_path / "maps.cool", **options)
    assert not list(tmp_path.iterdir())


def test_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected Maps, not ndarray"):
        maps_to_cool(np.zeros((1, 3, 3)), tmp_path / "maps.cool")
