"""Tables in files: text, BEDPE with and without a header, JSON, Parquet and numpy files."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gnnmax.errors import InputError
from gnnmax.io.table_columns import BEDPE, read_table_columns

LINE = "chr1\t100\t200\tchr1\t400\t500"


def columns(path, content: str | bytes) -> dict[str, list]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return {name: column.tolist() for name, column in read_table_columns(path).items()}


def test_text_has_its_columns_by_name_and_comments_are_left_out(tmp_path):
    noted = "# made by hand\ni,j\n1,2\n# a note\n3,4\n"
    assert columns(tmp_path / "a.csv", noted) == {"i": ["1", "3"], "j": ["2", "4"]}
    assert columns(tmp_path / "a.tsv", "i\tj\n1\t2\n") == {"i": ["1"], "j": ["2"]}
    assert columns(tmp_path / "b.tsv", "#i\tj\n1\t2\n") == {"i": ["1"], "j": ["2"]}
    assert columns(tmp_path / "c.csv", "i,j\n") == {"i": [], "j": []}
    assert columns(tmp_path / "d.csv", "  \ni,j\n \n1,2\n\t\n") == {"i": ["1"], "j": ["2"]}


def test_bedpe_has_its_columns_by_place(tmp_path):
    plain = columns(tmp_path / "a.bedpe", f"{LINE}\tloop\t7\t.\t.\n")
    assert list(plain) == list(BEDPE) and plain["score"] == ["7"] and plain["start2"] == ["400"]
    juicer = columns(tmp_path / "b.bedpe", f"#chr1\tx1\tx2\tchr2\ty1\ty2\tfdr\n# juicer tools\n{LINE}\t0.1\n")
    assert list(juicer) == [*BEDPE[:6], "fdr"] and juicer["fdr"] == ["0.1"]
    assert list(columns(tmp_path / "c.bedpe", f"{LINE}\n")) == list(BEDPE[:6])
    assert columns(tmp_path / "d.bedpe", "")["chrom1"] == []


@pytest.mark.parametrize(("whole", "broken"), [(b"abcdef", b"ab\xef\xffef"), (b"node", b"n\xef\xfee")])
def test_text_and_names_of_parquet_that_are_no_unicode_are_refused(tmp_path, whole, broken):
    file = tmp_path / "a.parquet"
    table = pa.table({"node": ["abcdef", "ghijkl"] * 3, "i": list(range(6))})
    parquet.write_table(table, file, compression="none", use_dictionary=False)
    content = file.read_bytes()
    assert whole in content
    file.write_bytes(content.replace(whole, broken))
    with pytest.raises(InputError, match="not a Parquet file, or a damaged one") as caught:
        read_table_columns(file)
    assert "\n" not in str(caught.value)


def test_parquet_json_and_numpy_files_hold_columns_too(tmp_path):
    parquet.write_table(pa.table({"i": [1], "map": ["chr1"]}), tmp_path / "a.parquet")
    assert {k: v.tolist() for k, v in read_table_columns(tmp_path / "a.parquet").items()} == {"i": [1], "map": ["chr1"]}
    rows = [{"i": 1, "q": 0.5}, {"i": 2, "q": 1}]
    assert columns(tmp_path / "a.json", json.dumps(rows)) == {"i": [1, 2], "q": [0.5, 1]}
    assert columns(tmp_path / "b.json", "[]") == {}
    np.save(tmp_path / "a.npy", np.array([[1, 2]]))
    assert read_table_columns(tmp_path / "a.npy")[""].tolist() == [[1, 2]]
    np.savez(tmp_path / "a.npz", i=np.array([1]), j=np.array([2]))
    assert set(read_table_columns(tmp_path / "a.npz")) == {"i", "j"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", "", "a table ends in .csv, .tsv"),
        ("a.csv", "", "holds no line"),
        ("a.csv", "  \n\n", "holds no line"),
        ("a.csv", "i,j\n1\n", "line 2 has 1 columns where 2 were expected"),
        ("a.csv", "i,i\n1,2\n", "a name of its own"),
        ("a.csv", b"\xff\xfe", "not text in UTF-8"),
        ("a.bedpe", "chr1 100 200\n", "BEDPE has at least 6"),
        ("a.json", '[{"i": 1}, {"j": 1}]', "the same keys"),
        ("a.json", "{}", "is damaged"),
        ("a.parquet", "PAR", "not a Parquet file"),
        ("a.npy", "x", "a.npy: "),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_its_name(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as refused:
        columns(tmp_path / name, content)
    assert name in str(refused.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read the table"):
        read_table_columns(tmp_path / "nowhere.csv")
