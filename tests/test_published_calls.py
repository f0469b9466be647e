"""Published calls are scored by one command, beside a control at the same distances."""

import numpy as np
import pytest

from benchmarks import published_calls
from benchmarks.published_calls import control_places, main, share_found
from gnnmax import Maps
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.interop.cool_files import maps_to_cool

PEAKS = [(10, 30), (40, 60)]


@pytest.fixture
def files(tmp_path):
    """A map of two chromosomes with two peaks in the first one, and the list of these peaks."""
    values = np.tile(1000 // (1 + np.abs(np.subtract.outer(np.arange(80), np.arange(80)))), (2, 1, 1))
    for i, j in PEAKS:
        values[0, i - 1 : i + 2, j - 1 : j + 2] += np.outer([40, 90, 40], [1, 2, 1])
    values = np.triu(values, 1).astype(float)
    maps = Maps.from_values(values + values.transpose(0, 2, 1), structure="symmetric")
    maps_to_cool(maps, tmp_path / "map.cool", weights=True)
    lines = [f"map0\t{i}0000\t{i + 1}0000\tmap0\t{j}0000\t{j + 1}0000\n" for i, j in PEAKS]
    (tmp_path / "calls.bedpe").write_text("".join(lines))
    return [str(tmp_path / name) for name in ("map.cool", "calls.bedpe")]


def test_calls_that_are_maxima_are_found_and_control_places_hardly_ever(files, capsys, monkeypatch):
    monkeypatch.setattr(published_calls, "DRAWS", 3)
    assert main(files) == 0
    said = capsys.readouterr().out.splitlines()
    assert "--steps distance,smooth --distance 8:50 --k 7" in said[0]
    cells = said[-1].split("|")
    assert cells[1].strip() == "2" and cells[3].strip() == "1.000" and float(cells[4].split()[0]) <= 0.5


def test_control_places_keep_the_distance_and_the_chromosome_and_avoid_what_was_not_measured():
    start = np.tile(np.arange(20) * 10, 2)
    bins = GenomeBins(("a", "b"), np.repeat([0, 1], 20), start, start + 10)
    known, calls = np.arange(40) != 25, np.array([(2, 9), (22, 30)] * 20)
    places = control_places(calls, bins, known, np.random.default_rng(0))
    assert places.shape == calls.shape and (np.diff(places) == np.diff(calls)).all()
    assert (bins.chromosome[places] == bins.chromosome[calls]).all() and not (places == 25).any()
    assert share_found(np.array([[0, *places[0], 1.0]]), places[:1]) == 1.0


@pytest.mark.parametrize("call", [["nowhere.cool", "calls.bedpe"], ["map.cool", "nowhere.bedpe"]])
def test_files_that_are_not_there_are_one_line_and_status_2(files, call, capsys):
    given = [file if name in file else name for file, name in zip(files, call, strict=True)]
    with pytest.raises(SystemExit, match="2"):
        main(given)
    assert "nowhere" in capsys.readouterr().err
