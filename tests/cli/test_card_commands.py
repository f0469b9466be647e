"""The commands card and croissant: folders and metadata of data sets and runs; broken sources are refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gnnmax import load_recipe
from gnnmax.cli.main import main


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a data set and a run."""
    folder = tmp_path_factory.mktemp("made")
    assert main(["generate", "tiny", "--out", str(folder / "data")]) == 0
    call = ["train", "--data", "tiny", "--model", "gnn", "--steps", "1", "--device", "cpu"]
    assert main([*call, "--out", str(folder / "run")]) == 0
    np.save(folder / "x.npy", np.random.default_rng(0).random((120, 3, 3)))
    np.save(folder / "y.npy", np.arange(120) % 2)
    own = ["import", str(folder / "x.npy"), "--labels", str(folder / "y.npy"), "--out", str(folder / "own")]
    assert main(own) == 0
    assert main([*call[:2], str(folder / "own"), *call[3:], "--out", str(folder / "own run")]) == 0
    (folder / "foreign").mkdir()
    (folder / "foreign" / "config.json").write_text('{"architectures": ["Bert"]}')
    return folder


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *words):
    """Run a call that must be refused, and return its one line; nothing may be written."""
    before = sorted(Path().rglob("*"))
    capsys.readouterr()
    assert main(list(words)) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert sorted(Path().rglob("*")) == before
    return shown.err


def test_a_stored_data_set_becomes_a_folder_with_its_card(place, capsys):
    assert main(["card", "data", "--out", "card", "--no-probes"]) == 0
    assert capsys.readouterr().out == "card\n"
    assert {path.name for path in Path("card").iterdir()} == {"README.md", "croissant.json", "gnnmax.json", "data"}
    assert "in use" in refused(capsys, "card", "data", "--out", "card", "--no-probes")
    assert main(["card", "run", "--out", "card", "--force"]) == 0
    assert {path.name for path in Path("card").iterdir()} == {"gnn", "gnnmax.json"}


def test_the_nets_of_a_run_become_folders_that_load(place, capsys):
    import gnnmax

    assert main(["card", "run", "--out", "cards"]) == 0
    assert capsys.readouterr().out.split() == [str(Path("cards", "gnn"))]
    assert Path("cards/gnn/README.md").read_text(encoding="utf-8").startswith('---\nlicense: "mit"\n')
    assert gnnmax.load_model("cards/gnn", device="cpu").name == "gnn"


def test_the_card_of_a_net_says_how_to_load_it_and_how_it_was_trained(place, capsys):
    assert main(["card", "run", "--out", "cards"]) == 0
    card = Path("cards/gnn/README.md").read_text(encoding="utf-8")
    assert 'load_model("FOLDER")' in card and "synthetic graphs only" in card
    command = json.loads(Path("run/results.json").read_text(encoding="utf-8"))["command"]
    assert f"`{' '.join(command.split())}` trains it again" in card and "train_shipped" not in card


def test_the_card_of_a_net_that_learned_own_windows_claims_nothing_about_synthetic_graphs(place, capsys):
    assert main(["card", "own run", "--out", "cards"]) == 0
    card = Path("cards/gnn/README.md").read_text(encoding="utf-8")
    assert card.startswith('---\nlicense: "unknown"\n') and "imported data" in card
    assert "is the label true" in card and "| `argmax` |" in card
    assert "synthetic" not in card and "`bayes`" not in card


def test_a_net_of_the_caller_s_own_is_left_out_and_named(place, capsys):
    code = "def mine(k):\n    return build_model('gnn', k=k)\n\n\nmine.inputs = 'values'\n"
    Path("net.py").write_text("from gnnmax.models.registry import build_model\n\n\n" + code)
    call = ["compare", "--data", "tiny", "--models", "gnn,mine=net.py:mine", "--seeds", "1", "--steps", "1"]
    assert main([*call, "--device", "cpu", "--out", "both"]) == 0
    capsys.readouterr()
    assert main(["card", "both", "--out", "cards"]) == 0
    shown = capsys.readouterr()
    assert shown.out.split() == [str(Path("cards", "gnn"))]
    assert shown.err == "gnnmax: mine is left out: without its own code no folder loads it\n"


@pytest.mark.parametrize(
    ("source", "out", "complaint"),
    [
        ("nowhere", "new", "unknown recipe 'nowhere'"),
        ("foreign", "new", "no finished run at foreign"),
        ("run/results.json", "new", "unknown recipe"),
        (".", "new", "no data set at ."),
        ("run", "run", "is not a card of gnnmax"),
        ("data", "data", "is not a card of gnnmax"),
        ("tiny", ".", "is the current folder or one above it"),
        ("tiny", "data/manifest.json", "the output must be a folder"),
        ("a\0b", "new", "holds a NUL character"),
    ],
)
def test_a_wrong_source_or_output_of_a_card_is_one_line(place, capsys, source, out, complaint):
    assert complaint in refused(capsys, "card", source, "--out", out, "--no-probes")


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("run/results.json", b"{", "is damaged"),
        ("run/gnn/seed-0/model.json", b"[]", "is damaged"),
        ("run/gnn/seed-0/weights.safetensors", b"short", "changed or cut short"),
        ("data/manifest.json", b'{"format"', "is damaged"),
    ],
)
def test_a_broken_source_of_a_card_is_one_line(place, capsys, file, content, complaint):
    Path(file).write_bytes(content)
    assert complaint in refused(capsys, "card", file.split("/")[0], "--out", "new", "--no-probes")


def test_a_summary_with_markup_stays_one_line_of_text(place):
    recipe = load_recipe("tiny").to_toml().replace('name = "tiny"', 'name = "mine"')
    evil = 'summary = "</script><b>\\n---\\n# title '
    Path("mine.toml").write_text(recipe.replace('summary = "', evil))
    assert main(["card", "mine.toml", "--out", "card", "--no-probes"]) == 0
    text = Path("card/README.md").read_text(encoding="utf-8")
    assert "&lt;/script>&lt;b> --- # title" in text and "<b>" not in text
    assert text.count("\n---\n") == 1


def test_metadata_are_printed_or_written(place, capsys):
    assert main(["croissant", "tiny"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert main(["croissant", "tiny", "--out", "tiny.json"]) == 0
    assert json.loads(Path("tiny.json").read_text()) == printed
    assert printed["name"] == "tiny" and printed["@type"] == "sc:Dataset"


def test_metadata_lie_beside_the_files_that_they_describe_and_the_folder_stays_a_data_set(place):
    for _ in range(2):
        assert main(["croissant", "data", "--out", "data/croissant.json"]) == 0
    assert main(["verify", "data"]) == 0
    assert main(["generate", "tiny", "--out", "data", "--force"]) == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere"], "unknown recipe 'nowhere'"),
        (["foreign"], "no data set at foreign"),
        (["data", "--out", "data/manifest.json"], "belongs to the data set"),
        (["tiny", "--out", "x.txt"], "must end in .json"),
        (["tiny", "--out", "gone/x.json"], "the folder gone does not exist"),
        (["tiny", "--out", "other.json"], "gnnmax did not write it"),
        ([""], "must be a path, not"),
    ],
)
def test_a_wrong_call_of_croissant_is_one_line(place, capsys, words, complaint):
    Path("other.json").write_text("{}")
    assert complaint in refused(capsys, "croissant", *words)
    assert Path("other.json").read_text() == "{}"


def test_a_damaged_manifest_has_no_metadata(place, capsys):
    text = Path("data/manifest.json").read_text()
    for broken in (text[:100], text.replace("test-00000", "../test-00000"), "", "null"):
        Path("data/manifest.json").write_text(broken)
        assert "is damaged" in refused(capsys, "croissant", "data")
