"""References to nets of your own: found where the caller names them, and every failure is one line."""

import hashlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gnnmax.errors import InputError
from gnnmax.models import architecture, references
from gnnmax.models.architecture import architecture_of, named_architectures
from gnnmax.models.references import absolute, find_factory

SOURCE = """
from torch import nn

class MyNet(nn.Module):
    inputs = "values"

    def __init__(self, k, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(k * k, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, values):
        return self.layers(values).squeeze(-1)

class Nets:
    small = MyNet
"""


@pytest.fixture
def net(tmp_path):
    folder = tmp_path / "my nets"
    folder.mkdir()
    file = folder / "net.py"
    file.write_text(SOURCE)
    return file


def test_a_factory_is_found_in_a_file_with_the_digest_of_its_content(net):
    found = find_factory(f"{net}:MyNet")
    assert found.make.__name__ == "MyNet"
    assert found.sha256 == hashlib.sha256(net.read_bytes()).hexdigest()
    assert find_factory(f"{net}:Nets.small").make is found.make
    assert find_factory(f"{net}:MyNet").make is found.make, "run once"
    net.write_text(f"{SOURCE}\n# changed")
    assert find_factory(f"{net}:MyNet").make is not found.make


def test_a_home_folder_and_a_relative_path_are_resolved_at_once(net, monkeypatch):
    monkeypatch.setenv("HOME", str(net.parent))
    monkeypatch.chdir(net.parent)
    for given in ("~/net.py:MyNet", "net.py:MyNet"):
        assert absolute(given) == f"{net}:MyNet"
        architecture = architecture_of("mine", given)
        assert (architecture.reference, architecture.origin) == (given, f"{net}:MyNet")


def test_a_file_may_import_the_files_beside_it_and_leaves_the_path_as_it_was(net):
    (net.parent / "layers_beside.py").write_text("WIDTH = 5\n")
    net.write_text(f"from layers_beside import WIDTH\n{SOURCE}")
    before = list(sys.path)
    assert find_factory(f"{net}:WIDTH").make == 5
    assert sys.path == before


def test_a_dataclass_with_annotations_as_text_is_found_in_its_file(net):
    config = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n    w: int = 3\n"
    )
    net.write_text(f"{config}{SOURCE}\ndef f(k, c: C = C()):\n    return MyNet(k, c.w)\nf.inputs = 'values'\n")
    assert architecture_of("mine", (f"{net}:f", {"w": 6})).build(3).module.layers[1].out_features == 6


def test_a_factory_in_a_module_and_the_factory_itself_have_the_digest_of_their_file():
    here = hashlib.sha256(Path(architecture.__file__).read_bytes()).hexdigest()
    assert find_factory("gnnmax.models.architecture:Architecture").sha256 == here
    assert find_factory(architecture.Architecture).sha256 == here
    assert find_factory(eval("lambda k: k")).sha256 == ""


@pytest.mark.parametrize(
    ("source", "name", "complaint"),
    [
        (None, "MyNet", r"there is no file .*net\.py: give FILE\.py:NAME"),
        ("def f(:", "f", r"cannot be run: SyntaxError: .*net\.py, line 1"),
        ("import nowhere_to_be_found", "f", r"ModuleNotFoundError: .*'nowhere_to_be_found' \(net\.py, line 1\)"),
        ("raise SystemExit(3)", "f", r"SystemExit: 3 \(net\.py, line 1\)"),
        ("raise ValueError('a\\nb')", "f", r"ValueError: a \(net\.py, line 1\)"),
        ("\0", "f", "cannot be run: SyntaxError: "),
        (SOURCE, "MyNte", r"net\.py defines no MyNte; it defines: MyNet, Nets"),
        ("#" * 1_000_001, "f", "larger than 1 MB"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_one_line(net, source, name, complaint):
    net.unlink()
    if source is not None:
        net.write_text(source)
    modules = set(sys.modules)
    with pytest.raises(InputError, match=complaint) as caught:
        find_factory(f"{net}:{name}")
    assert "\n" not in str(caught.value)
    assert source == SOURCE or set(sys.modules) == modules


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("nowhere.nets:MyNet", r"no module nowhere\.nets: install it, or give its file, as in nowhere/nets\.py:MyNet"),
        ("gnnmax.nowhere:MyNet", r"no module gnnmax\.nowhere"),
        ("gnnmax.errors:MyNet", "gnnmax.errors defines no MyNet"),
        (":MyNet", "given as FILE.py:NAME or package.module:NAME, not ':MyNet'"),
        ("net.py:", "given as FILE.py:NAME"),
    ],
)
def test_a_module_that_cannot_be_used_is_one_line(given, complaint):
    with pytest.raises(InputError, match=complaint):
        find_factory(given)


def test_a_net_of_an_installed_package_runs_only_when_it_is_named(net, monkeypatch):
    monkeypatch.syspath_prepend(net.parent)
    net.rename(net.with_name("their_nets.py"))
    point = EntryPoint(name="theirs", value="their_nets:MyNet", group="gnnmax.models")
    monkeypatch.setattr(references, "entry_points", lambda group: [point] if group == point.group else [])
    assert "theirs" in references.installed_nets() and "their_nets" not in sys.modules
    found = named_architectures(["theirs", "gnn"])
    assert found["theirs"].reference == "their_nets:MyNet" and found["theirs"].is_own
    with pytest.raises(InputError, match=r"unknown model 'nobodys'; known: .*theirs"):
        architecture_of("nobodys")
