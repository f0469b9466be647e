"""The flags that detect and differ share: what they select, and one line for each that has no meaning."""

import csv
import json

import cooler
import numpy as np
import pandas as pd
import pytest

from gnnmax import find_differences, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import NORMALISATIONS
from gnnmax.detection.label_files import read_labels
from gnnmax.errors import InputError

RNG = np.random.default_rng(0)
HALF = np.triu(RNG.random((20, 20)))
MATRIX = HALF + np.triu(HALF, 1).T
COUNTS = [RNG.poisson(5, (20, 20)) for _ in range(2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Matrices, and files that say something about their entries."""
    folder = tmp_path_factory.mktemp("flags")
    arrays = {
        "m": MATRIX,
        "a": COUNTS[0],
        "b": COUNTS[1],
        "rect": RNG.random((20, 10)),
        "nan": np.full((20, 20), np.nan),
        "empty": np.empty((0, 0)),
        "labels": RNG.integers(0, 3, (20, 20)),
        "real": RNG.random((20, 20)),
        "narrow": np.full((20, 19), 0.5),
        "background": np.full((20, 20), 0.9),
        "mask": np.eye(20, dtype=np.int8),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "cut.npy").write_bytes((folder / "m.npy").read_bytes()[:500])
    (folder / "arms.txt").write_text("# one label a node\n" + "p\n" * 10 + "q\n" * 10)
    (folder / "few.txt").write_text("p\n" * 9)
    (folder / "nothing.txt").write_text("")
    (folder / "bytes.txt").write_bytes(bytes(range(256)))
    (folder / "edges.csv").write_text("a,b,1\nb,c,2\nc,d,5\n")
    return folder


def run(folder, capsys, *words):
    """Run a command in the folder; return its status, output and errors."""
    named = [str(folder / word) if (folder / word).is_file() or word.startswith("nowhere") else word for word in words]
    status = main(named)
    said = capsys.readouterr()
    return status, said.out, said.err


def detected(folder, capsys, *words):
    status, out, err = run(folder, capsys, "detect", "m.npy", "--models", "none", "--json", *words)
    assert (status, err) == (0, "")
    found = json.loads(out)
    return [(one["i"], one["j"]) for one in found["maxima"]], found


def places(maxima):
    return [(i, j) for i, j, _ in maxima]


def test_several_sides_are_scales_with_columns_of_their_own(folder, capsys, tmp_path):
    expected = find_maxima(MATRIX, [5, 9])
    listed, found = detected(folder, capsys, "--k", "5,9", "--out", str(tmp_path / "t.csv"))
    assert listed == places(expected) and found["card"]["k"] == [[5, 5], [9, 9]]
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [row["scales"] for row in rows] == expected.scales.tolist()
    assert [int(row["scale"]) for row in rows] == expected.scale.tolist()
    assert "5 x 5, 9 x 9" in " ".join(
        run(folder, capsys, "detect", "m.npy", "--models", "none", "--k", "5,9")[1].split()
    )


def test_nets_score_the_smallest_windows_of_several(folder, capsys, tmp_path):
    call = ("detect", "m.npy", "--k", "9,5", "--windows", str(tmp_path / "w.npz"), "--device", "cpu")
    status, _, err = run(folder, capsys, *call)
    assert (status, err) == (0, "") and np.load(tmp_path / "w.npz")["windows"].shape[1:] == (5, 5)


def test_each_flag_is_the_option_of_its_name(folder, capsys):
    background, arms = np.load(folder / "background.npy"), np.repeat(["p", "q"], 10)
    calls = {
        ("--footprint", "disk"): {"footprint": "disk"},
        ("--footprint", "donut:3"): {"footprint": "donut:3"},
        ("--steps", "smooth:0.5"): {"steps": ["smooth:0.5"]},
        ("--steps", "distance,smooth"): {"steps": ["distance", "smooth"]},
        ("--threshold", "background.npy"): {"threshold": background},
        ("--labels", "arms.txt"): {"labels": arms},
        ("--labels", "arms.txt", "--top", "1", "--top-per", "label"): {"labels": arms, "top": 1, "top_per": "label"},
    }
    for words, options in calls.items():
        listed, found = detected(folder, capsys, "--k", "5", *words)
        assert listed == places(find_maxima(MATRIX, 5, **options)) and listed
    assert found["card"]["labels"] == str(folder / "arms.txt")
    assert {one["label"] for one in found["maxima"]} == {"p,p", "p,q", "q,q"}


@pytest.mark.parametrize("command", ["detect", "differ"])
def test_the_help_names_every_step(command, capsys):
    assert main([command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    listed = shown.partition("Normalisation before the search")[2].partition("--threshold")[0]
    assert [name for name in NORMALISATIONS if name not in listed] == []


@pytest.mark.parametrize("words", [
    ("--top", "3"), ("--distance", "2:9"), ("--min-distance", "4"), ("--prominence", "9"), ("--k", "3,5"),
    ("--footprint", "cross"), ("--mask", "mask.npy"), ("--labels", "arms.txt"), ("--threshold", "p90"),
    ("--steps", "smooth"),
])  # fmt: skip
def test_differ_filters_the_maxima_of_the_sum_as_detect_does(folder, capsys, words, tmp_path):
    np.save(tmp_path / "sum.npy", COUNTS[0] + COUNTS[1])
    status, out, err = run(folder, capsys, "differ", "a.npy", "b.npy", "--k", "5", "--json", *words)
    assert (status, err) == (0, "")
    call = ("detect", str(tmp_path / "sum.npy"), "--models", "none", "--k", "5", "--json", *words)
    found = json.loads(run(folder, capsys, *call)[1])
    compared = json.loads(out)
    assert {(one["i"], one["j"]) for one in compared["rows"]} == {(one["i"], one["j"]) for one in found["maxima"]}
    assert compared["filters"] == found["card"]["filters"]


def test_differ_filters_contact_maps_by_place_and_prints_what_it_dropped(tmp_path, capsys):
    bins = pd.DataFrame({"chrom": ["x"] * 15 + ["y"] * 10, "start": [*range(0, 15_000, 1000), *range(0, 10_000, 1000)]})
    bins["end"] = bins["start"] + 1000
    for seed, name in enumerate(("a", "b")):
        rows, columns = np.triu_indices(25)
        counts = np.random.default_rng(seed).poisson(900, len(rows))
        pixels = pd.DataFrame({"bin1_id": rows, "bin2_id": columns, "count": counts})
        cooler.create_cooler(str(tmp_path / f"{name}.cool"), bins, pixels)
    call = ["differ", str(tmp_path / "a.cool"), str(tmp_path / "b.cool"), "--k", "5"]
    assert main([*call, "--region", "x", "--distance", "2kb:9kb", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] and all(one["j"] < 15 and 2 <= one["j"] - one["i"] <= 9 for one in found["rows"])
    for flag, crossing in (("--cis", False), ("--trans", True)):
        assert main([*call, flag, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert rows and all((one["i"] < 15 <= one["j"]) == crossing for one in rows)
    assert main([*call, "--cis"]) == 0
    assert "maxima dropped: --cis" in capsys.readouterr().out


def test_a_mask_of_two_named_matrices_is_that_of_the_first_whatever_the_sequence_of_the_second():
    names = [f"n{place}" for place in range(9)]
    first = pd.DataFrame(RNG.poisson(9, (9, 9)), index=names, columns=names)
    second = first + 1
    mask = np.zeros((9, 9), dtype=bool)
    mask[2, 3] = mask[7, 1] = True
    turned = second.iloc[::-1, ::-1]
    for other in (second, turned):
        found = find_differences(first, other, 3, missing=mask, rate=0.5)
        if other is second:
            expected = found.places
        assert found.places == expected and not {(2, 3), (7, 1)} & set(found.places)
    assert len(expected) > 0


SENSELESS = [
    ("detect m.npy --k x", "--k takes an odd number of at least 3, or several"),
    ("detect m.npy --k 5.5", "--k takes an odd number of at least 3, or several"),
    ("detect m.npy --k 5,4", "k must be odd and at least 3"),
    ("detect m.npy --k 4", "k must be odd and at least 3"),
    ("detect m.npy --k 5,5", "k has a scale twice"),
    ("detect m.npy --k 5,21", "windows of 21 x 21 do not fit"),
    ("detect m.npy --k 5,9 --k-columns 3", "--k-columns needs one --k"),
    ("detect m.npy --steps smooth:x", "the step smooth takes a number after the colon"),
    ("detect m.npy --steps rank:2", "the step rank takes no number"),
    ("detect m.npy --footprint ring", "footprint must be one of square"),
    ("detect m.npy --footprint donut:9", "footprint 'donut:9' leaves nothing"),
    ("detect m.npy --threshold nowhere.npy", "cannot read "),
    ("detect m.npy --threshold cut.npy", "cannot read "),
    ("detect m.npy --threshold narrow.npy", "the thresholds have shape"),
    ("detect m.npy --threshold edges.csv", "thresholds of single entries are an array"),
    ("detect m.npy --threshold real.npy", "the matrix is undirected, but the thresholds are not the same"),
    ("detect m.npy --threshold abc", "threshold must be a number"),
    ("detect m.npy --threshold 1e400", "threshold must be a number"),
    ("detect m.npy --prominence 1e400", "Error parsing --prominence: "),
    ("detect m.npy --labels nowhere.npy", "cannot read "),
    ("detect m.npy --labels cut.npy", "cannot read "),
    ("detect m.npy --labels real.npy", "labels of entries must be whole numbers"),
    ("detect m.npy --labels narrow.npy", "labels have shape"),
    ("detect m.npy --labels labels.npy", "the matrix is undirected, but labels are not the same"),
    ("detect m.npy --labels few.txt", "labels of nodes must be a vector"),
    ("detect m.npy --labels nothing.txt", ""),
    ("detect m.npy --labels bytes.txt", ""),
    ("detect m.npy --labels edges.csv", "labels are an array, or one label on each line"),
    ("detect m.npy --top 2 --top-per label", "top_per = 'label' needs labels"),
    ("detect rect.npy --labels arms.txt", "one label for each node needs a square matrix"),
    ("detect rect.npy --steps distance,smooth", "the step distance needs a square matrix"),
    ("differ a.npy b.npy --mode graph --k 5", "--k has no effect in this call: it needs --mode ordered"),
    ("differ a.npy b.npy --mode graph --footprint disk", "--footprint has no effect in this call"),
    ("differ a.npy b.npy --mode graph --distance 2:9", "--distance has no effect in this call"),
    ("differ a.npy b.npy --cis --trans", "--cis contradicts --trans"),
    ("differ a.npy b.npy --cis", "contacts = 'cis' needs the same breaks"),
    ("differ a.npy b.npy --region chr1", "region needs bins of a genome"),
    ("differ a.npy b.npy --mask real.npy", "a mask holds 1"),
    ("differ a.npy b.npy --top-per row", "top_per = 'row' has no effect without top"),
    ("differ a.npy b.npy --top 0", "top must be an integer of at least 1"),
    ("differ a.npy b.npy --k 4", "k must be odd"),
    ("differ a.npy b.npy --unstored missing", "unstored = 'missing' has no effect on a dense matrix"),
    ("differ a.npy nan.npy", "no entry was measured in both matrices"),
    ("differ a.npy empty.npy", "a matrix has rows and columns"),
    ("differ a.npy cut.npy", "cannot read "),
    ("differ a.npy rect.npy", "two matrices of the same nodes have one shape"),
    ("order nan.npy", "no entry of the 20 x 20 matrix was measured"),
    ("order empty.npy", "a matrix has rows and columns"),
    ("order cut.npy", "cannot read "),
    ("order rect.npy --two-sets", "--two-sets has no effect on a matrix of 20 x 10"),
    ("order m.npy --unstored missing", "unstored = 'missing' has no effect on a dense matrix"),
    ("order m.npy --draws 0", "draws must be a whole number"),
]


@pytest.mark.parametrize(("call", "message"), SENSELESS, ids=[call for call, _ in SENSELESS])
def test_a_flag_without_meaning_is_one_line_and_status_2(folder, capsys, call, message):
    words = call.split()
    status, out, err = run(folder, capsys, *words, *(["--models", "none"] if words[0] == "detect" else []))
    assert status == 2 and out == "" and err.count("\n") == 1 and err.startswith(f"gnnmax: {message}")


def test_a_file_of_labels_is_never_replaced_by_a_table(folder, capsys, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("p\n" * 20)
    status, _, err = run(folder, capsys, "detect", "m.npy", "--labels", str(labels), "--out", str(labels))
    assert status == 2 and err.count("\n") == 1 and labels.read_text() == "p\n" * 20


def test_labels_from_a_file_are_numbers_where_all_are(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("3\n-1\n\n3\n")
    assert read_labels(path).tolist() == [3, -1, 3]
    path.write_text("3\nq\n")
    assert read_labels(path).tolist() == ["3", "q"]
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match="holds no label"):
        read_labels(path)
