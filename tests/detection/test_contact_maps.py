"""Contact maps: files of cooler are searched correctly, and other files are refused in one line."""

import json
import shutil
import tracemalloc

import cooler
import h5py
import numpy as np
import pandas as pd
import pytest

from gnnmax import InputError, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import contact_maps
from gnnmax.detection.contact_maps import read_cool
from gnnmax.detection.matrix_files import read_matrix
from tests.support.contact_map_server import ContactMapServer
from tests.support.mutations import mutants
from tests.support.refusal_cost import refusal

SIDE = 30


def counts():
    rng = np.random.default_rng(0)
    upper = np.triu(rng.poisson(3.0, size=(SIDE, SIDE)))
    upper[4, 20] = 50
    return upper + np.triu(upper, 1).T


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """A map, one of several resolutions, and its content."""
    folder, matrix = tmp_path_factory.mktemp("cool"), counts()
    rows, columns = np.nonzero(np.triu(matrix))
    pixels = pd.DataFrame({"bin1_id": rows, "bin2_id": columns, "count": matrix[rows, columns]})
    starts = np.arange(SIDE) * 1000
    weight = np.linspace(0.5, 1.5, SIDE)
    weight[[7, 8]] = np.nan
    bins = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + 1000})
    cooler.create_cooler(str(folder / "plain.cool"), bins, pixels)
    cooler.create_cooler(str(folder / "balanced.cool"), bins.assign(weight=weight), pixels)
    cooler.create_cooler(f"{folder / 'many.mcool'}::resolutions/1000", bins, pixels)
    return folder, matrix, weight


def test_counts_and_names_are_those_of_the_map(maps):
    folder, matrix, _ = maps
    found = read_matrix(folder / "plain.cool")
    np.testing.assert_array_equal(found.matrix.toarray(), matrix)
    maxima = find_maxima(found, k=5)
    assert list(maxima) == list(find_maxima(matrix, k=5))
    assert maxima.names[0][4] == "chr1:4000-5000"
    several = read_matrix(f"{folder / 'many.mcool'}::resolutions/1000")
    np.testing.assert_array_equal(several.matrix.toarray(), matrix)


def test_balanced_counts_are_weighed_and_bins_without_weight_are_not_measured(maps):
    folder, matrix, weight = maps
    expected = matrix * (weight[:, None] * weight)
    found = find_maxima(read_matrix(folder / "balanced.cool", balanced=True), k=5)
    assert list(found) == list(find_maxima(expected, k=5))
    assert not {7, 8} & {*found.rows.tolist(), *found.columns.tolist()}
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[4] = mask[:, 4] = True  # a mask of one's own is joined to the map's
    masked = find_maxima(read_matrix(folder / "balanced.cool", balanced=True), k=5, missing=mask)
    assert list(masked) == list(find_maxima(np.where(mask, np.nan, expected), k=5))


def test_windows_stop_where_bins_of_a_chromosome_were_left_out_and_it_stays_one_chromosome(maps, tmp_path):
    _, matrix, _ = maps
    rows, columns = np.nonzero(np.triu(matrix))
    pixels = pd.DataFrame({"bin1_id": rows, "bin2_id": columns, "count": matrix[rows, columns]})
    starts = 1000 * np.r_[0:12, 100:118]
    bins = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + 1000})
    cooler.create_cooler(str(tmp_path / "gap.cool"), bins, pixels)
    found = read_matrix(tmp_path / "gap.cool")
    expected = find_maxima(matrix, k=5, breaks=([12], [12]))
    assert list(find_maxima(found, k=5)) == list(expected) != list(find_maxima(matrix, k=5))
    assert list(find_maxima(found, k=5, contacts="cis")) == list(expected)
    assert not len(find_maxima(found, k=5, contacts="trans"))


def test_weights_whose_products_overflow_are_refused(maps, tmp_path, forked):
    folder, _, _ = maps
    shutil.copy(folder / "balanced.cool", tmp_path / "m.cool")
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        file["bins/weight"][...] = 1e200
    with pytest.raises(InputError, match="balancing weights whose products exceed float64"):
        read_matrix(tmp_path / "m.cool", balanced=True)


@pytest.mark.parametrize(("name", "flags"), [("weight", ["--balanced"]), ("KR", ["--weight-name", "KR"])])
def test_weights_below_0_are_refused_with_the_first_bin_that_has_one(maps, name, flags, tmp_path, capsys, forked):
    folder, _, weight = maps
    shutil.copy(folder / "balanced.cool", tmp_path / "m.cool")
    names = read_matrix(folder / "balanced.cool").names[0]
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        wrong = np.where(np.isin(np.arange(SIDE), [5, 9]), -0.25, np.nan_to_num(weight, nan=1.0))
        if name in file["bins"]:
            del file["bins"][name]
        file[f"bins/{name}"] = wrong
    assert main(["detect", str(tmp_path / "m.cool"), "--models", "none", *flags]) == 2
    said = capsys.readouterr().err
    assert f"has balancing weights below 0, -0.25 of the bin {names[5]}: balance it again" in said
    assert said.count("\n") == 1


def test_missing_weights_are_named_as_the_file_has_them(maps, tmp_path, forked):
    folder, _, _ = maps
    shutil.copy(folder / "plain.cool", tmp_path / "m.cool")
    with pytest.raises(InputError, match="no balancing weights bins/weight: run 'cooler balance' first, or leave out"):
        read_matrix(tmp_path / "m.cool", balanced=True)
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        file["bins/KR"] = file["bins/VC"] = np.ones(SIDE)
    with pytest.raises(
        InputError, match="bins/weight, but bins/KR, bins/VC: name one by --weight-name KR, or run 'cooler balance'"
    ):
        read_matrix(tmp_path / "m.cool", balanced=True)


@pytest.mark.parametrize("name", ["KR", "VC", "VC_SQRT", "own", "weight"])
@pytest.mark.parametrize("divisive", [None, True, False])
def test_named_weights_are_read_as_cooler_reads_them(maps, name, divisive, tmp_path, forked):
    folder, _, weight = maps
    shutil.copy(folder / "balanced.cool", tmp_path / "m.cool")
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        if name != "weight":
            file[f"bins/{name}"] = weight + 1
    found = read_matrix(tmp_path / "m.cool", balanced=name, divisive=divisive)
    expected = cooler.Cooler(str(tmp_path / "m.cool")).matrix(balance=name, divisive_weights=divisive)[:]
    unknown = np.isnan(expected)
    assert np.array_equal(np.asarray(found.missing), unknown)
    whole = found.matrix.upper.toarray() if hasattr(found.matrix, "upper") else found.matrix.toarray()
    np.testing.assert_allclose(np.where(unknown, 0, np.triu(whole)), np.triu(np.nan_to_num(expected)), rtol=1e-12)


def test_a_divisive_weight_of_zero_is_missing(maps, tmp_path, forked):
    folder, _, _ = maps
    shutil.copy(folder / "plain.cool", tmp_path / "m.cool")
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        file["bins/VC"] = np.where(np.arange(SIDE) == 3, 0, 2)  # whole numbers are weights too
    found = read_matrix(tmp_path / "m.cool", balanced="VC")
    assert np.flatnonzero(found.missing.rows).tolist() == [3]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["--weight-name", "own"], "no balancing weights bins/own, but bins/weight: name one by --weight-name weight"),
        (["--weight-name", "wieght"], "did you mean weight?"),
        (["--weight-name", "../pixels/count"], "the name of weights, such as KR, not '../pixels/count'"),
        (["--divisive"], "--divisive needs weights: pass --balanced, or --weight-name NAME"),
        (["--balanced", "--divisive", "--multiplicative"], "--divisive contradicts --multiplicative"),
        (["--weight-name", "start"], "the name of weights, such as KR, not 'start'"),
    ],
)
def test_wrong_weights_are_refused_with_those_there_are(maps, call, said, capsys):
    folder, _, _ = maps
    assert main(["detect", str(folder / "balanced.cool"), "--models", "none", *call]) == 2
    assert said in capsys.readouterr().err


def test_the_card_states_the_weights(maps, tmp_path, capsys):
    folder, _, _ = maps
    call = ["detect", str(folder / "balanced.cool"), "--models", "none", "--k", "5", "--out", str(tmp_path / "m.csv")]
    for flags, balancing in (
        ([], None),
        (["--balanced"], {"name": "weight", "divisive": False}),
        (["--weight-name", "weight", "--divisive"], {"name": "weight", "divisive": True}),
    ):
        assert main([*call, *flags]) == 0
        card = json.loads((tmp_path / "m.card.json").read_text())
        assert (card["balanced"], card["balancing"]) == (balancing is not None, balancing)


def test_a_map_whose_weights_are_all_missing_is_refused_for_that(maps, tmp_path, forked):
    folder, _, _ = maps
    shutil.copy(folder / "balanced.cool", tmp_path / "m.cool")
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        file["bins/weight"][...] = np.nan
    with pytest.raises(InputError, match="balancing weights that are all NaN, so no entry is measured"):
        read_matrix(tmp_path / "m.cool", balanced=True)


def test_the_command_names_bins(maps, capsys):
    folder, _, _ = maps
    call = ["detect", str(folder / "balanced.cool"), "--balanced", "--k", "5", "--models", "none", "--json"]
    assert main(call) == 0
    assert "chr1:4000-5000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("plain.cool", {"balanced": True}, "cooler balance"),
        ("many.mcool", {}, "choose one of .*resolutions/1000"),
        ("many.mcool::resolutions/5", {}, "no contact map resolutions/5"),
        ("plain.cool::other", {}, "no contact map other"),
        ("text.cool", {}, "not a file of contact maps"),
        ("cut.cool", {}, "contact map"),
        ("nowhere.cool", {}, "No such file"),
    ],
)
def test_what_is_no_such_map_is_refused(maps, name, options, said):
    folder, _, _ = maps
    (folder / "text.cool").write_text("no")
    content = (folder / "plain.cool").read_bytes()
    (folder / "cut.cool").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=said) as refused:
        read_matrix(folder / name, **options)
    assert "\n" not in str(refused.value)


def test_without_h5py_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("gnnmax.detection.contact_maps.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"gnnmax\[cool\]"):
        read_cool(tmp_path / "x.cool")


@pytest.mark.parametrize("name", ["m.npy", "m.csv::x"])
def test_only_contact_maps_are_balanced_or_hold_several(tmp_path, name):
    with pytest.raises(InputError, match=r"contact maps|ends in"):
        read_matrix(tmp_path / name, balanced="::" not in name)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A process that reads maps faster than a new interpreter."""
    started = ContactMapServer(tmp_path_factory.mktemp("server"))
    yield started
    started.close()


@pytest.fixture
def forked(server, monkeypatch):
    monkeypatch.setattr(contact_maps, "started", server.started)


def replaced(name, make):
    """A change of a map: one column in place of another."""

    def change(file):
        old = file[name][:]
        del file[name]
        made = make(old)
        if isinstance(made, np.ndarray):
            file.create_dataset(name, data=made)
        else:
            file[name] = made

    return change


def external_storage(file):
    del file["pixels/count"]
    file.create_dataset("pixels/count", (400,), "u1", external=[("secret.bin", 0, 400)])


def virtual(file):
    layout = h5py.VirtualLayout((SIDE,), "i4")
    layout[:] = h5py.VirtualSource("secret.h5", "x", (SIDE,))
    del file["bins/start"]
    file.create_virtual_dataset("bins/start", layout)


def through_an_external_link(file):
    file["door"] = h5py.ExternalLink("secret.h5", "/")
    replaced("bins/start", lambda old: h5py.SoftLink("/door/x"))(file)


def unwritten(file):
    del file["pixels/count"]
    file.create_dataset("pixels/count", (10**10,), "i8", chunks=(2**16,), compression="gzip")


def changed_at(place, value):
    def make(old):
        old = old.astype(float) if value == np.inf else old
        old[place] = value
        return old

    return make


DAMAGED = {
    "an external link": (replaced("bins/start", lambda old: h5py.ExternalLink("secret.h5", "/x")), "another file"),
    "a soft link through an external one": (through_an_external_link, "another file"),
    "a soft link to itself": (replaced("bins/end", lambda old: h5py.SoftLink("/bins/end")), "in a circle"),
    "external storage": (external_storage, "lie in another file"),
    "a virtual data set": (virtual, "lie in another file"),
    "ten billion counts that are not there": (unwritten, "states 10000000000 entries in 0 bytes"),
    "a column that is missing": (lambda file: file.__delitem__("bins/chrom"), "bins/chrom is not a column"),
    "counts in two dimensions": (replaced("pixels/count", lambda old: old[:, None]), "not a column"),
    "bins in floating point": (replaced("pixels/bin1_id", lambda old: old * 1.0), "has the type float64"),
    "a shorter column": (replaced("pixels/bin2_id", lambda old: old[:-1]), "pixels/bin2_id has"),
    "a longer index": (replaced("indexes/bin1_offset", lambda old: np.append(old, old[-1])), "has 32 entries, not 31"),
    "an index that falls": (replaced("indexes/bin1_offset", changed_at(3, 0)), "does not describe pixels/bin1_id"),
    "an index of chromosomes": (replaced("indexes/chrom_offset", changed_at(1, 5)), "does not describe bins/chrom"),
    "a bin that is not there": (replaced("pixels/bin2_id", changed_at(-1, SIDE)), "lies outside the 30 bins"),
    "a bin below 0": (replaced("pixels/bin2_id", changed_at(-1, -1)), "lies outside the 30 bins"),
    "a pixel below the diagonal": (replaced("pixels/bin2_id", changed_at(-1, 0)), "below the diagonal"),
    "a pixel given twice": (replaced("pixels/bin2_id", lambda old: np.r_[old[0], old[0], old[2:]]), "two counts"),
    "an infinite count": (replaced("pixels/count", changed_at(0, np.inf)), "not finite"),
    "a bin without a length": (replaced("bins/end", changed_at(4, 4000)), "does not end after its start"),
    "no map": (lambda file: file.attrs.__delitem__("format"), "it holds none"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_map_that_contradicts_itself_or_leads_to_another_file_is_refused(maps, name, tmp_path, forked):
    change, said = DAMAGED[name]
    shutil.copy(maps[0] / "plain.cool", tmp_path / "m.cool")
    (tmp_path / "secret.bin").write_bytes(bytes(range(200)) * 2)
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["x"] = np.arange(SIDE, dtype=np.int32)
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        change(file)
    found = refusal(read_matrix, tmp_path / "m.cool")
    assert said in found.said and str(tmp_path / "m.cool") in found.said


def test_soft_links_inside_the_file_are_followed_and_a_square_map_is_not_mirrored(maps, tmp_path, forked):
    folder, matrix, _ = maps
    shutil.copy(folder / "plain.cool", tmp_path / "m.cool")
    with h5py.File(tmp_path / "m.cool", "r+") as file:
        file.move("bins/start", "kept")
        file["bins/also kept"] = h5py.SoftLink("/kept")
        file["bins/start"] = h5py.SoftLink("also kept")
        file.attrs["storage-mode"] = "square"
    np.testing.assert_array_equal(read_matrix(tmp_path / "m.cool").matrix.toarray(), np.triu(matrix))


@pytest.mark.altered
def test_an_altered_map_is_read_or_refused_although_the_library_loops_and_crashes(
    tmp_path, mutant_count, server, forked
):
    bins = pd.DataFrame({"chrom": ["a", "a", "b"], "start": [0, 5, 0], "end": [5, 9, 5], "weight": [0.5, np.nan, 2]})
    pixels = pd.DataFrame({"bin1_id": [0, 0, 1], "bin2_id": [0, 2, 2], "count": [1, 5, 2]})
    path = tmp_path / "m.cool"
    cooler.create_cooler(str(path), bins, pixels)
    content = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    filled = np.flatnonzero(content)  # 95 of 100 bytes are empty space
    refused = 0
    for altered in mutants(content[filled].tobytes(), mutant_count):
        whole = content.copy()
        whole[filled[: len(altered)]] = np.frombuffer(altered, dtype=np.uint8)[: len(filled)]
        path.write_bytes(whole)
        refused += refusal(lambda: find_maxima(read_cool(path, balanced=True), k=3)) is not None
    assert 0 < refused < mutant_count
    assert all(seconds <= 2 and kilobytes <= 300_000 for _, seconds, kilobytes in server.ended)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import time; time.sleep(60)", "does not come to an end"),
        ("import os; os.abort()", "crashes"),
        ('print(\'{"columns": [["bins/start", "<i4", 30]]}\')', "ends too early"),
        ("raise ValueError('no such map')", "no such map"),
    ],
)
def test_a_reader_that_hangs_crashes_or_stops_is_a_refusal(program, said, tmp_path, monkeypatch):
    (tmp_path / "reader.py").write_text(program)
    (tmp_path / "m.cool").write_bytes(b"")
    monkeypatch.setattr(contact_maps, "READER", tmp_path / "reader.py")
    monkeypatch.setattr(contact_maps, "PATIENCE", 0.5)
    with pytest.raises(InputError, match=said):
        read_matrix(tmp_path / "m.cool")


def test_bins_without_weight_are_two_vectors_and_the_lower_half_is_not_stored(maps):
    found = read_matrix(maps[0] / "balanced.cool", balanced=True)
    assert found.missing.rows.nonzero()[0].tolist() == found.missing.columns.nonzero()[0].tolist() == [7, 8]
    assert found.matrix.upper.nnz < found.matrix.nnz


def test_a_balanced_map_with_bad_bins_needs_memory_of_its_entries_only(tmp_path):
    side, width = 3000, 20
    rows = np.repeat(np.arange(side - width), width)
    columns = rows + np.tile(np.arange(width), side - width)
    values = np.random.default_rng(0).integers(1, 99, size=len(rows))
    weight = np.where(np.arange(side) % 20 == 0, np.nan, 1.0)
    starts = np.arange(side) * 10
    bins = pd.DataFrame({"chrom": "a", "start": starts, "end": starts + 10, "weight": weight})
    pixels = pd.DataFrame({"bin1_id": rows, "bin2_id": columns, "count": values})
    cooler.create_cooler(str(tmp_path / "m.cool"), bins, pixels)
    tracemalloc.start()
    try:
        maxima = find_maxima(read_matrix(tmp_path / "m.cool", balanced=True), steps=["distance"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(maxima) and peak < side**2  # a mask of all entries has as many bytes
