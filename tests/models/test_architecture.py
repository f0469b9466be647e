"""Architectures: whatever stands for a net becomes one thing, under a name that a run can have."""

import pickle

import pytest

from gnnmax.errors import InputError
from gnnmax.models.architecture import architecture_of, named_architectures
from gnnmax.models.graphs.entries import GnnConfig
from gnnmax.models.registry import build_model
from tests.support.own_nets import Mine
from tests.support.training import equal


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("gnn", {"width": 8}),
        ("gnn", GnnConfig(width=8)),
        ("wide", ("gnn", {"width": 8})),
        ("wide", ("gnn", GnnConfig(width=8))),
        ("wide", {"model": "gnn", "width": 8}),
    ],
)
def test_a_net_of_the_registry_and_its_config_may_be_given_in_any_form(name, given):
    (found,) = named_architectures({name: given}).values()
    assert (found.reference, found.config) == ("gnn", GnnConfig(width=8))
    assert equal(found.build(5, seed=3), build_model("gnn", 5, {"width": 8}, seed=3))
    assert found.ceiling(9) == 1.0 and not found.is_own


@pytest.mark.parametrize("given", [Mine, (Mine, None), {"model": Mine}, {"model": Mine, "width": 4}])
def test_a_factory_may_be_given_in_any_form(given):
    found = architecture_of("mine", given)
    assert found.plain == {"width": 4, "act": "relu"} and found.is_own
    assert found.reference.endswith("own_nets:Mine")
    assert found.parameter_count(3) == 45


def test_a_sequence_takes_names_other_names_for_nets_and_factories():
    assert list(named_architectures(["cnn", "wide=gnn", Mine])) == ["cnn", "wide", "Mine"]


@pytest.mark.parametrize(
    ("models", "complaint"),
    [
        ("cnn", "sequence of names"),
        ([], "at least one model"),
        (["cnn", "cnn"], "each once"),
        (["cnn", "cnn=gnn"], "each once"),
        ({"Mine": "gnn", "mine": "gnn"}, "upper and lower case are one name"),
        *((({name: ("gnn", None)}), "Windows has no folder of this name") for name in ("con", "Aux.x", "LPT1", "net.")),
        (["cnm"], r"unknown model 'cnm': did you mean cnn\? known: .*your own is NAME=FILE\.py:CLASS"),
        (["net.py:MyNet"], r"net\.py:MyNet has no name in the run: give one, as in mine=net\.py:MyNet"),
        (["mine=net.py"], r"net\.py is a file: name the net in it too, as in mine=net\.py:MyNet"),
        (["mine=nets/:MyNet"], "nets/ is not the file of a net: give one that ends in .py"),
        ([lambda k: k], "a function has no name in the run"),
        ([Mine(3)], "a Mine has no name in the run"),
        ({"mine": Mine(3)}, "is a module: give the class"),
        ({"mine": (Mine, {}, 3)}, "given by 3 values: give the net, or a pair"),
        ({"mine": {"width": 3}}, "unknown model 'mine'"),
        (["argmax=gnn"], "has the name of a rule"),
        (["gnn=cnn"], "the net cnn cannot be called gnn: a net of the registry is"),
        ({"gnn": Mine}, "cannot be called gnn: a net of the registry is"),
        *((({name: ("gnn", None)}), "cannot be called") for name in (3, "", "a/b", "..", "my net", "x" * 61, "-x")),
        *(
            (({name: ("gnn", None)}), "cannot be called")
            for name in ("checkpoints", "metrics", "seed-3", "tensorboard")
        ),
    ],
)
def test_a_wrong_set_of_nets_is_refused(models, complaint):
    with pytest.raises(InputError, match=complaint):
        named_architectures(models)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_a_config_that_no_card_gives_back_is_refused_before_any_work(value):
    def factory(k, value=1):
        return Mine(k)

    factory.inputs = "values"
    with pytest.raises(InputError, match="the config of mine cannot be stored: "):
        architecture_of("mine", (factory, {"value": value}))
    factory.__qualname__ = "f" * 2000
    with pytest.raises(InputError, match=r"the reference of mine has 20.. characters, and at most 1000 are stored"):
        architecture_of("mine", factory)


def test_a_file_that_is_changed_between_two_seeds_is_refused_in_the_worker(tmp_path):
    file = tmp_path / "net.py"
    file.write_text("import tests.support.own_nets as nets\nMine = nets.Mine\n")
    found = architecture_of("mine", f"{file}:Mine")
    sent = pickle.dumps(found)
    assert equal(pickle.loads(sent).build(3), found.build(3))
    file.write_text(f"{file.read_text()}# changed\n")
    assert equal(found.build(3), found.build(3)), "this process has run it"
    with pytest.raises(InputError, match=r"net\.py:Mine was changed while the run went on \(SHA-256 [0-9a-f]{12} when"):
        pickle.loads(sent).build(3)
