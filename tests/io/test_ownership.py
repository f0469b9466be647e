"""Only our own files and folders may be replaced."""

import json
import os

import pytest

from gnnmax.errors import InputError
from gnnmax.io.ownership import DATA_SET, RUN, Output, check_outputs, is_ours

OURS = {"program": "gnnmax", "format": 1}


@pytest.fixture
def run(tmp_path):
    """A finished run with every kind of entry."""
    folder = tmp_path / "run"
    for name in (
        *("environment.json", "results.json", "log.txt", "report.html", "metrics/seed-0.jsonl"),
        *("gnn/seed-0/model.json", "gnn/seed-0/weights.safetensors", "tensorboard/events.out.tfevents.1.2"),
        *(".results.json.0a1b2c3d.partial", "checkpoints/seed-0.json"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "config.json").write_text(json.dumps(OURS))
    return folder


def test_a_run_is_ours_with_all_that_we_write(run):
    assert RUN.foreign(run) == ""


@pytest.mark.parametrize(
    "name", ["notes.txt", ".git/HEAD", "gnn/seed-0/pytorch_model.bin", "data/x.csv", "config.json.bak"]
)
def test_an_entry_that_we_do_not_write_makes_a_folder_foreign_and_is_named(run, name):
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).write_text("precious")
    assert RUN.foreign(run) == f"it also holds {name}"


def test_a_link_in_place_of_an_entry_is_foreign(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (run / "gnn" / "seed-1").symlink_to(tmp_path / "elsewhere")
    assert "gnn/seed-1" in RUN.foreign(run)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{", b'{"architectures": ["BertModel"]}', b'{"program": "other"}', b"[" * 100_000]
)
def test_a_mark_of_another_maker_proves_nothing(run, content):
    (run / "config.json").write_bytes(content)
    assert RUN.foreign(run) == "its config.json was not written by gnnmax"


def test_a_mark_that_is_no_file_is_not_read(run):
    (run / "config.json").unlink()
    os.mkfifo(run / "config.json")
    assert not RUN.marked(run)


def test_a_run_of_the_first_version_is_ours_by_its_fields(run):
    (run / "config.json").write_text(json.dumps(dict.fromkeys(RUN.fields)))
    assert RUN.foreign(run) == ""


def test_a_data_set_is_ours_and_a_hugging_face_folder_is_not(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps(OURS))
    (tmp_path / "train-00000.safetensors").touch()
    assert DATA_SET.foreign(tmp_path) == ""
    (tmp_path / "model.safetensors").touch()
    assert DATA_SET.foreign(tmp_path) == "it also holds model.safetensors"


def page(path, option="--out"):
    return Output(option, path, (".html",))


def test_a_page_of_ours_is_written_again_and_another_only_with_force(tmp_path):
    file = tmp_path / "page.html"
    file.write_text('<meta name="generator" content="made by gnnmax">')
    check_outputs([page(file)])
    file.write_text("<title>my thesis about gnnmax</title>")
    with pytest.raises(InputError, match="gnnmax did not write it"):
        check_outputs([page(file)])
    check_outputs([page(file)], force=True)


def test_an_empty_file_holds_nothing_to_lose(tmp_path):
    (tmp_path / "page.html").touch()
    assert check_outputs([page(tmp_path / "page.html")]) is None


@pytest.mark.parametrize("force", [False, True])
def test_an_output_is_never_an_input_by_whatever_name(tmp_path, force):
    file = tmp_path / "page.html"
    file.write_text("gnnmax")
    link = tmp_path / "link.html"
    link.symlink_to(file)
    for name in (file, link, tmp_path / "." / "page.html"):
        with pytest.raises(InputError, match="an input of this call"):
            check_outputs([page(name)], inputs=[file], force=force)


def test_two_outputs_are_two_files(tmp_path):
    with pytest.raises(InputError, match="written by --out too"):
        check_outputs([page(tmp_path / "a.html"), page(tmp_path / "a.html", "--page")])


@pytest.mark.parametrize("name", ["results.json", "config.json", "environment.json", "gnn/seed-0/model.json"])
def test_no_output_takes_the_place_of_a_file_of_a_run_even_with_force(run, name):
    with pytest.raises(InputError, match="belongs to the run"):
        check_outputs([Output("--out", run / name, (".json",))], force=True)


def test_an_output_beside_the_files_of_a_run_is_fine(run):
    check_outputs([page(run / "report.html")], force=True)
    check_outputs([Output("--out", run / "maxima.json", (".json",))])


def test_a_folder_or_a_device_is_no_output(tmp_path):
    (tmp_path / "a.html").mkdir()
    with pytest.raises(InputError, match="not a regular file"):
        check_outputs([page(tmp_path / "a.html")])


def test_a_file_is_ours_by_its_end_as_well(tmp_path):
    file = tmp_path / "table.parquet"
    file.write_bytes(b"\0" * 200_000 + b"made by gnnmax")
    assert is_ours(file)
    file.write_bytes(b"\0" * 200_000)
    assert not is_ours(file)
