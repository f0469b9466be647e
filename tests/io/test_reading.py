"""The door: nothing but regular files of bounded size is read, and JSON is checked against a type in one line."""

import ast
import os

import pytest

from gnnmax.errors import InputError
from gnnmax.io.reading import FileKind, NotRegularError, open_regular, open_to_append, read_ends
from gnnmax.io.tensor_files import read_header
from tests.support.house import House, room
from tests.support.special_files import SPECIAL, no_hang, put_special

KIND = FileKind("the table", 100, "write it again")


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_regular_file_is_refused_at_once_and_in_one_line(tmp_path, kind):
    path = tmp_path / "x.json"
    put_special(path, kind)
    for read in (KIND.read, KIND.map, lambda path: KIND.read_json(path, dict)):
        with no_hang():
            if kind == "empty" and read == KIND.read:
                assert KIND.read(path) == b""
                continue
            complaint = r"is empty|is damaged" if kind == "empty" else "regular file|Too many levels of symbolic links"
            with pytest.raises(InputError, match=complaint) as caught:
                read(path)
        assert "the table" in str(caught.value) and str(caught.value).endswith("write it again")
    if kind != "empty":
        for use in (open_to_append, open_regular, lambda path: read_ends(path, 4)):
            with no_hang(), pytest.raises(OSError, match=r"regular file|Too many levels of symbolic links"):
                use(path)


def test_a_file_that_is_missing_too_large_or_has_no_path_is_refused(tmp_path):
    (tmp_path / "large").write_bytes(bytes(101))
    (tmp_path / "full").write_bytes(bytes(100))
    assert len(KIND.read(tmp_path / "full")) == len(KIND.map(tmp_path / "full")) == 100
    for name, complaint in {
        "large": "is larger than 100 bytes: write it again",
        "none": "No such file",
        "\0": "null",
    }.items():
        for read in (KIND.read, KIND.map):
            with pytest.raises(InputError, match=complaint):
                read(tmp_path / name)


def test_a_link_is_followed_unless_it_must_not_be(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert KIND.read(tmp_path / "link") == b"abc"
    with pytest.raises(NotRegularError, match="regular"):
        open_regular(tmp_path / "link", follow=False)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"a": 1, "c": 1, "c": 1}', "the key 'c' is there twice"),
        (b'{"a": NaN}', "is damaged"),
        (b'{"a": 1e400}', "is damaged"),
        (b'{"a": ' + b"1" * 5000 + b"}", "is damaged"),
        (b'{"a": "\xff"}', "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b'{"a":' * 100_000, "is damaged"),
        (b'{"a": "1"}', "Expected `int`, got `str`"),
        (b'{"a": 1} x', "is damaged"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "is damaged"),
        (b"[" + b"1," * 7_000_000 + b"1]", "it holds too many values"),
        (b"", "is damaged"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_json_that_is_not_of_the_type_or_hostile_is_refused_in_one_line(content, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        KIND.decode(content, dict[str, int], "x.json")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_byte_order_mark_before_json_is_left_out():
    assert KIND.decode(b'\xef\xbb\xbf{"a": 1}', dict[str, int], "x.json") == {"a": 1}


def header(text, data=b""):
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "wrong length"),
        (header(b"{}")[:9], "wrong length"),
        ((10**18).to_bytes(8, "little") + b"{}", "wrong length"),
        (header(b"[]"), "not a safetensors file"),
        (header(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'), "end at byte 1 of 0"),
        (header(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"xy"), "does not lie behind"),
        (header(b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}', b"x"), "another size"),
        (header(b'{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,1]}}', b"x"), "unknown type"),
        (
            header(
                b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],'
                b'"data_offsets":[1,3]}}',
                b"xyz",
            ),
            "'b' does not lie behind",
        ),
        (
            header(
                b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],'
                b'"data_offsets":[0,1]}}',
                b"x",
            ),
            "a name twice",
        ),
    ],
)
def test_tensors_that_overlap_leave_gaps_or_go_beyond_the_file_are_refused(content, complaint):
    with pytest.raises(InputError, match=complaint):
        read_header(content)


READERS = {"open", "read_bytes", "read_text", "mmap", "memmap", "open_memmap", "fromfile", "safe_open", "load_file"}
"""Names of functions and methods that open a file for reading."""

ELSEWHERE = {
    "gnnmax.__main__": "the null device in place of closed streams",
    "gnnmax.detection.array_files": "a folder of zarr, which the library opens",
    "gnnmax.detection.contact_map_columns": "the system's count of the memory of the process",
    "gnnmax.detection.matrix_files": "the matrix itself is mapped by numpy, which reads the header",
    "gnnmax.experiments.metrics_tail": "the metrics that a worker is still writing",
    "gnnmax.interop.cool_files": "the contact map that is written, by h5py",
}
"""Modules outside io that open something, and what."""


def test_no_module_outside_io_opens_a_file_by_itself():
    openers = set()
    for module, tree in House.read().trees.items():
        if room(module) == "io":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                modes = {getattr(given, "value", None) for given in node.args}
                if name in READERS and not modes & {"w", "x", "a", "wb", "xb", "ab"}:
                    openers.add(module)
    assert openers == set(ELSEWHERE)


def test_a_file_that_is_appended_to_is_made_with_the_usual_permissions(tmp_path):
    with open_to_append(tmp_path / "log.txt") as file:
        file.write("ä\n")
    (tmp_path / "other").touch()
    assert (tmp_path / "log.txt").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert (tmp_path / "log.txt").read_bytes() == os.fsencode("ä\n")
