"""The command evaluate-peaks: tables of many programs, one comparison, and wrong input in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gnnmax import evaluate_peaks, find_maxima
from gnnmax.cli.main import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with truth and calls."""
    monkeypatch.chdir(tmp_path)
    truth = "map,i,j,amplitude,order\n0,3,4,2,natural\n1,7,9,3,shuffled\n2,1,8,3.5,shuffled\n"
    (tmp_path / "truth.csv").write_text(truth)
    (tmp_path / "a.csv").write_text("map,i,j,score\n0,3,5,0.9\n1,2,2,0.8\n1,7,9,0.7\n")
    (tmp_path / "b.tsv").write_text("map\ty\tx\tFDR\n0\t3\t4\t0.01\n2\t1\t9\t0.02\n")
    bedpe = "chr1\t30000\t40000\tchr1\t{}\t{}\tloop\t{}\t.\t.\n"
    (tmp_path / "loops.bedpe").write_text(bedpe.format(70_000, 80_000, "."))
    (tmp_path / "calls.bedpe").write_text(bedpe.format(80_000, 90_000, 5) + bedpe.format(10_000, 20_000, 9))
    return tmp_path


def printed(capsys, *words: str) -> dict:
    assert main(["evaluate-peaks", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_says_what_the_function_says(place, capsys):
    words = "--truth truth.csv --maps 5 --shape 10 --groups order --bins amplitude=3 diagonal=1,2 --threshold 0.1"
    found = printed(capsys, "a.csv", *words.split(), "--ceiling", "found_within=0.9")
    calls = np.array([[0, 3, 5, 0.9], [1, 2, 2, 0.8], [1, 7, 9, 0.7]])
    truth = {"map": [0, 1, 2], "i": [3, 7, 1], "j": [4, 9, 8], "amplitude": [2, 3, 3.5], "order": list("nss")}
    groups, bins = {"order": ["natural", "shuffled", "shuffled"]}, {"amplitude": 3, "diagonal": [1, 2]}
    options = {"maps": 5, "shape": 10, "threshold": 0.1, "groups": groups, "bins": bins}
    expected = evaluate_peaks(calls, truth, ceiling={"found_within": 0.9}, **options)
    assert found == json.loads(expected.to_json())


def test_several_files_are_compared_each_with_its_own_columns(place, capsys):
    words = ("row=i", "column=j", "mine:row=y", "mine:column=x", "mine:score=-FDR")
    found = printed(capsys, "a.csv", "mine=b.tsv", "--truth", "truth.csv", "--columns", *words)
    assert list(found["verdicts"]) == ["a", "mine"]
    assert found["verdicts"]["mine"]["curve"]["threshold"] == [None, -0.01, -0.02]
    assert main(["evaluate-peaks", "a.csv", "a.csv", "--truth", "truth.csv"]) == 2
    assert "two files are called 'a'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("map,i,j,score\n\n0,1,2,0.5\n\n0,3,x,0.4\n", "'x', in line 5"),
        ("map,i,j,score\n# a note\n0,1,-2,0.5\n", "-2 in line 3"),
        ("map i j score\n\n0 1 2 0.5\n0 3 4 inf\n", "inf in line 4"),
        ("map,i,j,score\n\n0,1,2,1e999\n", "in line 3"),
        ("chrom1,start1,end1,chrom2,start2,end2\n\na,0,10,a,30,20\n", "as in line 3"),
    ],
)
def test_a_wrong_number_is_named_by_its_line(place, capsys, content, message):
    (place / "wrong.csv").write_text(content)
    assert main(["evaluate-peaks", "wrong.csv", "--truth", "truth.csv", "--resolution", "10"]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_lists_in_base_pairs_are_binned(place, capsys):
    words = ("--truth", "loops.bedpe", "--resolution", "10000", "--symmetric")
    found = printed(capsys, "calls.bedpe", *words)
    assert (found["recall"], found["precision"], found["average_precision"]) == (1.0, 0.5, 0.5)
    assert printed(capsys, "calls.bedpe", *words, "--tolerance", "0")["recall"] == 0
    head = "chrom1\tstart1\tend1\tchrom2\tstart2\tend2\tbin1\tbin2\tkernel_id\titeration\tscore\tpvalue\tqvalue\n"
    line = "chr1\t30000\t40000\tchr1\t70000\t80000\t3\t7\t0\t0\t0.6\t1e-5\t1e-3\n"
    (place / "chromosight.tsv").write_text(head + line)
    head = "BIN1_CHR\tBIN1_START\tBIN1_END\tBIN2_CHROMOSOME\tBIN2_START\tBIN2_END\tFDR\tDETECTION_SCALE\n"
    (place / "mustache.tsv").write_text(head + "chr1\t30000\t40000\tchr1\t90000\t100000\t0.01\t1.6\n")
    found = printed(capsys, "chromosight.tsv", "mustache.tsv", *words, "--columns", "mustache:score=-FDR")["verdicts"]
    assert [found[name]["recall"] for name in ("chromosight", "mustache")] == [1.0, 0.0]
    assert found["chromosight"]["curve"]["threshold"] == [None, 0.6]


def test_the_tables_of_detect_are_calls(place, capsys):
    matrix = np.random.default_rng(0).random((30, 30))
    np.save(place / "matrix.npy", matrix)
    maxima = find_maxima(matrix, k=9)
    (place / "one.csv").write_text(f"i,j\n{maxima.rows[0]},{maxima.columns[0]}\n")
    np.save(place / "hops.npy", np.abs(np.subtract.outer(np.arange(30), np.arange(30))))
    for ending in ("csv", "json", "parquet"):
        call = ["detect", "matrix.npy", "--k", "9", "--models", "none", "--out", f"maxima.{ending}"]
        assert main(call) == 0
        capsys.readouterr()
        for more in ((), ("--distance", "hops.npy")):
            found = printed(capsys, f"maxima.{ending}", "--truth", "one.csv", *more)
            assert (found["recall"], found["average_precision"], found["n_calls"]) == (1.0, 1.0, len(maxima))


def test_a_table_is_printed(place, capsys):
    assert main(["evaluate-peaks", "a.csv", "--truth", "truth.csv"]) == 0
    assert "recall at FDR" in capsys.readouterr().out
    assert main(["evaluate-peaks", "a.csv", "x=a.csv", "--truth", "truth.csv"]) == 0
    assert "no significant difference between a and x" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.csv", "--truth", "truth.csv", "--tolerance", "-1"], "tolerance must be a number from 0 on"),
        (["a.csv", "--truth", "truth.csv", "--shape", "5"], "lies outside map 1 of 5 x 5"),
        (["a.csv", "--truth", "truth.csv", "--shape", "5,x"], "--shape takes numbers, not 'x'"),
        (["a.csv", "--truth", "nowhere.csv"], "cannot read the table nowhere.csv"),
        (["a.csv", "--truth", "truth.csv", "--maps", "0,1"], "the map '2' of the truth is none of the 2 maps"),
        (["a.csv", "--truth", "truth.csv", "--columns", "score"], "--columns takes NAME=VALUE"),
        (["a.csv", "--truth", "truth.csv", "--columns", "c:score=p"], "unknown caller in --columns 'c'"),
        (["a.csv", "--truth", "truth.csv", "--ceiling", "recall=high"], "--ceiling takes numbers"),
        (["a.csv", "--truth", "truth.csv", "--bins", "diagonal=x"], "--bins takes numbers"),
        (["a.csv", "--truth", "calls.bedpe"], "are base pairs: give the resolution"),
        (["calls.bedpe", "--truth", "truth.csv", "--resolution", "10000"], "the map 'chr1' of the calls of 'calls'"),
        (["--truth", "truth.csv"], "evaluate-peaks needs a file of calls"),
        (["a.csv"], "truth"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(place, capsys, words, message):
    assert main(["evaluate-peaks", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
