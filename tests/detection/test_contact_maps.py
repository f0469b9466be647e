"""Contact maps: files of cooler are searched correctly, and other files are refused in one line."""

import cooler
import numpy as np
import pandas as pd
import pytest

from gnnmax import InputError, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection.contact_maps import read_cool
from gnnmax.detection.matrix_files import read_matrix

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
