"""Maxima as pairs of genome intervals: written as BEDPE, read back, and evaluated."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from gnnmax import InputError, evaluate_peaks, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection.output import is_table, write_table
from gnnmax.detection.positions import read_positions
from gnnmax.detection.table import detections_of
from gnnmax.io.table_columns import BEDPE, read_table_columns
from tests.support.genome import BINS, RESOLUTION, counts, genome_matrix, write_cool

PLACES = [(4, 12), (24, 31), (8, 27)]


@pytest.fixture
def maxima():
    return find_maxima(genome_matrix(), k=5, threshold=20)


def test_bedpe_holds_intervals_scores_and_our_columns_and_is_read_back(maxima, tmp_path):
    path = tmp_path / "m.bedpe"
    write_table(path, detections_of(maxima))
    table = read_table_columns(path)
    assert list(table) == [*BEDPE, "value", "margin", "ties", "missing"]
    assert [table[name][0] for name in BEDPE] == [
        "chr1", "40000", "50000", "chr1", "120000", "130000", ".", "50", ".", ".",
    ]  # fmt: skip
    assert (table["chrom1"][2], table["chrom2"][2]) == ("chr1", "chr2")
    assert read_positions(path, maxima.names, maxima.bins) == PLACES
    assert is_table(path) and not path.read_text().startswith("chrom1")


@pytest.mark.parametrize("header", ["", "#chr1\tx1\tx2\tchr2\ty1\ty2\n"])
def test_lines_for_a_genome_browser_are_no_rows(header, tmp_path):
    path, shown = tmp_path / "m.bedpe", 'browser position chr1:1-90000\ntrack name="my loops" color=0,0,255\n'
    rows = "chr1\t40000\t50000\tchr1\t120000\t130000\nchr2\t40000\t50000\tchr2\t110000\t120000\n"
    path.write_text(shown + header + rows)
    assert read_positions(path, None, BINS) == PLACES[:2]
    path.write_text(header + shown + rows)
    assert read_positions(path, None, BINS) == PLACES[:2]
    path.write_text(header + shown + rows.replace("40000", "x"))
    with pytest.raises(InputError, match=f"line {3 + bool(header)}"):
        read_positions(path, None, BINS)


@pytest.mark.parametrize("name", ["calls.txt", "calls.tsv", "calls.csv"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ", "   "])
def test_the_ending_of_a_table_does_not_say_what_stands_between_its_fields(name, delimiter, tmp_path):
    (tmp_path / name).write_text("i,j\n4,12\n".replace(",", delimiter))
    assert read_positions(tmp_path / name) == PLACES[:1]
    header, row = ",".join(BEDPE[:6]), "chr1,40000,50000,chr1,120000,130000"
    (tmp_path / name).write_text(f"{header}\n{row}\n".replace(",", delimiter))
    assert read_positions(tmp_path / name, None, BINS) == PLACES[:1]


def test_fields_of_bedpe_may_stand_between_blanks(tmp_path):
    path = tmp_path / "calls.bedpe"
    path.write_text(
        "# our calls, one a line\n"
        "track name=loops\n"
        'chr1  40000  50000  chr1 120000 130000 "a name" 7 . .\n'
        "   \n"
        "chr2 40000\t50000 chr2 \t110000 120000 b 5 . . \n"
    )
    assert read_positions(path, None, BINS) == PLACES[:2]
    assert read_table_columns(path)["name"].tolist() == ["a name", "b"]
    path.write_text("track 0 10 track 20 30\n")
    assert read_table_columns(path)["chrom1"].tolist() == ["track"]


def test_a_comment_does_not_say_what_stands_between_the_fields(tmp_path):
    path = tmp_path / "calls.tsv"
    path.write_text("# mine; found by hand, twice\ni j\n4 12\n")
    assert read_positions(path) == PLACES[:1]
    path.write_text("# by hand, twice\n4 12\n", encoding="utf-8-sig")
    assert read_positions(path) == PLACES[:1]
    path.write_text("# by hand\n4\t12\n")
    assert read_positions(path) == PLACES[:1]


def test_a_compressed_table_is_said_to_be_one(tmp_path):
    (tmp_path / "calls.bedpe.gz").write_bytes(gzip.compress(b"chr1\t0\t1\tchr1\t0\t1\n"))
    with pytest.raises(InputError, match=r"calls\.bedpe\.gz is compressed: unpack it first"):
        read_positions(tmp_path / "calls.bedpe.gz", None, BINS)


def test_the_data_frame_is_the_file(maxima, tmp_path):
    write_table(tmp_path / "m.bedpe", detections_of(maxima))
    maxima.to_bedpe().to_csv(tmp_path / "pandas.bedpe", sep="\t", index=False)
    ours, theirs = (read_table_columns(tmp_path / name) for name in ("m.bedpe", "pandas.bedpe"))
    assert list(ours) == list(theirs)
    assert all(ours[name].tolist() == theirs[name].tolist() for name in ours)


def test_after_steps_the_score_is_that_of_the_search(tmp_path):
    found = find_maxima(genome_matrix(), k=5, steps=("rank",))
    write_table(tmp_path / "m.bedpe", detections_of(found))
    table = read_table_columns(tmp_path / "m.bedpe")
    assert table["score"].astype(float).tolist() == found.scores.tolist()
    assert table["value"].astype(int).tolist() == found.values.tolist()


def test_no_maximum_leaves_the_names_of_the_columns(tmp_path):
    write_table(tmp_path / "m.bedpe", detections_of(find_maxima(genome_matrix(), k=5, threshold=99)))
    assert (tmp_path / "m.bedpe").read_text().startswith("#chrom1\tstart1\tend1")
    assert read_positions(tmp_path / "m.bedpe", None, BINS) == []


def test_a_matrix_without_bins_has_no_bedpe(tmp_path):
    found = find_maxima(counts(), k=5)
    with pytest.raises(InputError, match=r"BEDPE needs bins of a genome, as a contact map has them: write \.csv"):
        found.to_bedpe()
    with pytest.raises(InputError, match="BEDPE needs bins"):
        write_table(tmp_path / "m.bedpe", detections_of(found))
    assert not (tmp_path / "m.bedpe").exists()


def test_our_calls_in_bedpe_are_evaluated_chromosome_by_chromosome(maxima, tmp_path):
    write_table(tmp_path / "m.bedpe", detections_of(maxima))
    truth = {
        name: [column[0], column[1]]
        for name, column in zip(
            BEDPE[:6],
            [("chr1", "chr2"), (40_000, 40_000), (50_000, 50_000), ("chr1", "chr2"), (120_000, 110_000),
             (130_000, 120_000)], strict=True,
        )
    }  # fmt: skip
    calls = read_table_columns(tmp_path / "m.bedpe")
    inside = {name: column[:2] for name, column in calls.items()}
    verdict = evaluate_peaks({"ours": inside}, truth, resolution=RESOLUTION, symmetric=True).verdicts["ours"]
    assert (verdict.recall, verdict.precision) == (1.0, 1.0)


def test_the_command_writes_and_reads_bedpe(tmp_path, capsys):
    file, out = write_cool(tmp_path / "m.cool"), tmp_path / "m.bedpe"
    call = ["detect", str(file), "--k", "5", "--models", "none", "--threshold", "20"]
    assert main([*call, "--out", str(out)]) == 0
    assert main([*call, "--out", str(out)]) == 0  # it is recognised and replaced
    assert main([*call[:6], "--positions", str(out), "--json"]) == 0
    capsys.readouterr()
    assert main([*call[:6], "--positions", str(out), "--out", str(tmp_path / "p.json")]) == 0
    rows = json.loads((tmp_path / "p.json").read_text())
    assert [(row["i"], row["j"], row["maximum"]) for row in rows] == [(i, j, True) for i, j in PLACES]


def test_the_command_refuses_bedpe_without_bins_before_the_search(tmp_path, capsys):
    np.save(tmp_path / "m.npy", counts())
    assert main(["detect", str(tmp_path / "m.npy"), "--models", "none", "--out", str(tmp_path / "m.bedpe")]) == 2
    assert "BEDPE needs bins of a genome" in capsys.readouterr().err
    assert not (tmp_path / "m.bedpe").exists()


def test_a_position_outside_the_matrix_has_no_interval(tmp_path):
    assert [part.tolist() for part in BINS.intervals(np.array([0, 99]))] == [["chr1", "."], [0, -1], [10_000, -1]]


CHROMOSIGHT = (
    "chrom1\tstart1\tend1\tchrom2\tstart2\tend2\tbin1\tbin2\tkernel_id\titeration\tscore\tpvalue\tqvalue\n"
    "chr1\t40000\t50000\tchr1\t120000\t130000\t4\t12\t0\t0\t0.71\t0.0\t0.0\n"
    "chr2\t40000\t50000\tchr2\t110000\t120000\t24\t31\t0\t0\t0.65\t0.0\t0.0\n"
)
COOLTOOLS = (
    "chrom1\tstart1\tend1\tchrom2\tstart2\tend2\tcount\tla_exp.donut.value\tla_exp.donut.qval\tcstart1\tc_label\n"
    "chr1\t40000\t50000\tchr1\t120000\t130000\t50\t3.2\t1e-9\t45000.0\t0\n"
    "chr2\t40000\t50000\tchr2\t110000\t120000\t40\t2.9\t1e-7\t45000.0\t1\n"
)


@pytest.mark.parametrize("content", [CHROMOSIGHT, COOLTOOLS], ids=["chromosight", "cooltools"])
def test_lists_of_other_programs_are_positions_and_calls(content, tmp_path, maxima):
    path = tmp_path / "calls.tsv"
    path.write_text(content)
    assert read_positions(path, maxima.names, maxima.bins) == PLACES[:2]
    calls = read_table_columns(path)
    assert evaluate_peaks({"calls": calls}, calls, resolution=RESOLUTION).verdicts["calls"].recall == 1


def test_numbers_of_bins_of_chromosight_serve_a_matrix_without_bins(tmp_path):
    (tmp_path / "calls.tsv").write_text(CHROMOSIGHT)
    (tmp_path / "dots.tsv").write_text(COOLTOOLS)
    assert read_positions(tmp_path / "calls.tsv") == PLACES[:2]
    with pytest.raises(InputError, match="its places are base pairs, and the matrix has no bins of a genome"):
        read_positions(tmp_path / "dots.tsv")


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet", ".bedpe"])
def test_our_own_tables_of_every_format_are_positions(suffix, tmp_path, maxima):
    path = tmp_path / f"m{suffix}"
    write_table(path, detections_of(maxima))
    assert read_positions(path, maxima.names, maxima.bins) == PLACES


def test_arrays_of_rows_and_columns_are_positions(tmp_path):
    np.save(tmp_path / "p.npy", np.array(PLACES))
    assert read_positions(tmp_path / "p.npy") == PLACES
    pd.DataFrame(PLACES, columns=["i", "j"]).astype(float).to_csv(tmp_path / "p.csv", index=False)
    assert read_positions(tmp_path / "p.csv") == PLACES  # 4.0 is a whole number
    np.save(tmp_path / "three.npy", np.ones((2, 3)))
    with pytest.raises(InputError, match=r"shape \(N, 2\), not \(2, 3\)"):
        read_positions(tmp_path / "three.npy")


def test_a_table_of_named_nodes_is_read_by_names_whatever_their_order(tmp_path):
    names = tuple("abcdefg")
    frame = pd.DataFrame(np.diag(np.arange(7.0)), index=names, columns=names)
    found = find_maxima(frame, k=3, threshold=0)
    write_table(tmp_path / "m.csv", detections_of(found))
    turned = tuple(reversed(names))
    expected = [(6 - i, 6 - j) for i, j, _ in found]
    assert read_positions(tmp_path / "m.csv", (turned, turned)) == expected
    with pytest.raises(InputError, match=r"m\.csv: line 2: expected the name of a node, not 'g'"):
        read_positions(tmp_path / "m.csv", (names[:3], names[:3]))


LINE = "chr1\t40000\t50000\tchr1\t120000\t130000\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.bedpe", LINE + LINE[:20], "line 2 has 4 columns where 6 were expected"),
        ("p.bedpe", LINE.replace("chr1", "1"), "the matrix has no chromosome '1': it has chr1, chr2"),
        ("p.bedpe", LINE.replace("130000", "930000"), r"line 1: no bin of the matrix holds chr1:525000"),
        ("p.bedpe", LINE.replace("50000", "nan"), "column end1: nan in line 1: expected whole numbers"),
        ("p.bedpe", LINE.replace("40000", "-1"), "column start1: -1 in line 1: expected whole numbers from 0 on"),
        ("p.bedpe", LINE.replace("50000", "50_000"), "must be numbers: not a plain number"),
        ("p.bedpe", LINE.replace("50000", "30000"), "end1 must not lie before start1, as in line 1"),
        ("p.tsv", "x\ty\tz\n1\t2\t3\n", "no columns i, j or row, column or those of BEDPE, but x, y, z"),
        ("p.csv", "i,j,q\n3,nan,0\n", "line 2: expected a whole number of at least 0, not 'nan'"),
        ("p.csv", "i,j,q\n3,4,0\n1\n", "line 3 has 1 columns where 3 were expected"),
        ("p.parquet", "PAR1", "not a Parquet file, or a damaged one"),
        ("p.json", '[{"i": 1, "j": null}]', "row 0: expected a whole number of at least 0, not 'None'"),
    ],
)
def test_what_is_no_list_of_positions_is_refused(name, content, said, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=said) as refused:
        read_positions(tmp_path / name, None, BINS)
    assert name in str(refused.value) and "\n" not in str(refused.value)


def test_columns_of_other_lengths_or_shapes_are_refused(tmp_path):
    for columns in ({"i": [1, 2], "j": [3]}, {"i": [[1, 2]], "j": [[3, 4]]}):
        np.savez(tmp_path / "p.npz", **{name: np.array(column) for name, column in columns.items()})
        with pytest.raises(InputError, match=r"p\.npz: columns i and j must have one entry for each place"):
            read_positions(tmp_path / "p.npz")
    (tmp_path / "p.json").write_text("[]")
    assert read_positions(tmp_path / "p.json") == []


def test_a_position_that_is_listed_twice_is_reported_twice(tmp_path):
    (tmp_path / "p.bedpe").write_text(LINE + LINE)
    assert read_positions(tmp_path / "p.bedpe", None, BINS) == [(4, 12), (4, 12)]
