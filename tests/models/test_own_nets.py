"""Nets of your own: a factory says what it takes, and everything that is wrong with it is one line."""

import dataclasses
import functools

import msgspec
import pytest
import torch
from torch import nn

from gnnmax.errors import InputError
from gnnmax.models.encoding import standardise
from gnnmax.models.own_nets import OwnNet, own_entry
from tests.support.own_nets import Mine


@dataclasses.dataclass
class Sizes:
    width: int = 4


class Depths(msgspec.Struct):
    depth: int = 2


def scoring(score, *, inputs="values", parameters=True):
    """A factory of nets that score by a function of what they are called with."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1), requires_grad=parameters)

        def forward(self, *given):
            return score(self, *given)

    def factory(k):
        return Net()

    factory.inputs = inputs
    return factory


def built(factory, config=None, k=3):
    entry = own_entry("net.py:Mine", factory)
    return entry.make(k, entry.parse(config), 0)


def test_a_net_declares_no_group_and_has_no_ceiling():
    entry = own_entry("net.py:Mine", Mine)
    assert (entry.group_name, entry.invariances, entry.ceiling(9), entry.any_k) == ("not declared", (), None, False)


def test_keywords_are_a_config_that_is_checked():
    entry = own_entry("net.py:Mine", Mine)
    assert msgspec.to_builtins(entry.parse({"width": 7})) == {"width": 7, "act": "relu"}
    for plain, complaint in (
        ({"width": "wide"}, "Expected `int`, got `str` - at `$.width`"),
        ({"act": "gelu"}, "Invalid enum value 'gelu'"),
        ({"widht": 7}, "unknown field `widht`"),
        ({"layer": "x"}, "unknown field `layer`"),
    ):
        with pytest.raises(InputError, match=r"config of model net\.py:Mine: ") as caught:
            entry.parse(plain)
        assert complaint in str(caught.value)


@pytest.mark.parametrize(("kind", "field"), [(Sizes, "width"), (Depths, "depth")])
def test_a_dataclass_or_a_struct_is_a_config(kind, field):
    def factory(k, config: kind = kind()):  # noqa: B008
        assert isinstance(config, kind)
        return Mine(k, width=getattr(config, field))

    factory.inputs = "values"
    entry = own_entry("net.py:f", factory)
    assert built(factory, {field: 5}).module.layers[1].out_features == 5
    assert built(factory, kind(6)).module.layers[1].out_features == 6
    with pytest.raises(InputError, match="unknown field `other`"):
        entry.parse({"other": 1})
    with pytest.raises(InputError, match=f"takes a {kind.__name__}, not a "):
        entry.parse(Depths() if kind is Sizes else Sizes())


def test_a_partial_call_says_what_its_function_says():
    assert built(functools.partial(Mine, width=9)).module.layers[1].out_features == 9


@pytest.mark.parametrize(("inputs", "count"), [("values", 1), ("contexts", 3), ("graph", 1)])
def test_a_module_is_called_with_what_its_factory_says(inputs, count):
    seen = []

    def score(net, *given):
        seen.append(given)
        first = given[0] if inputs != "graph" else given[0].edge_weight.view(given[0].num_graphs, -1)
        return net.weight * first.flatten(1).amax(1)

    net = built(scoring(score, inputs=inputs))
    values = torch.rand(4, 3, 3)
    expected = standardise(values) if inputs == "graph" else values
    assert torch.equal(net(values, values, values), expected.flatten(1).amax(1))
    assert len(seen[-1]) == count


def test_a_module_cannot_change_the_windows_of_the_nets_beside_it():
    net = built(scoring(lambda net, values: values.zero_()[:, 0, 0] * net.weight))
    values = torch.rand(4, 3, 3)
    before = values.clone()
    net(values)
    assert torch.equal(values, before)


def test_lazy_layers_have_weights_that_depend_on_the_seed_alone():
    def factory(k):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(1), nn.Flatten(0))

    factory.inputs = "values"
    entry = own_entry("net.py:f", factory)
    first, again, other = (entry.make(3, entry.parse(), seed).state_dict()["1.weight"] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_weights_have_the_names_that_they_have_in_the_module():
    net = built(Mine)
    assert list(net.state_dict()) == list(net.module.state_dict())
    net.load_state_dict({key: torch.zeros_like(tensor) for key, tensor in net.state_dict().items()})
    assert not any(parameter.any() for parameter in net.parameters())


def wrong_signature(**attributes):
    def factory(width=3):
        return Mine(3)

    return with_attributes(factory, **attributes)


def with_attributes(factory, **attributes):
    for name, value in attributes.items():
        setattr(factory, name, value)
    return factory


@pytest.mark.parametrize(
    ("factory", "complaint"),
    [
        (lambda k: Mine(k), 'does not say what its net takes: set its attribute inputs to "values"'),
        (with_attributes(lambda k: Mine(k), inputs="image"), "says inputs = 'image'"),
        (with_attributes(lambda k: Mine(k), inputs=["values"]), r"says inputs = \['values'\]"),
        (Mine(3), "is a module: give the class or the function that makes it"),
        ("Mine", "is a str: give the class or the function"),
        (wrong_signature(inputs="values"), "first parameter of .* must be k, the side of the windows, not width"),
        (with_attributes(lambda: Mine(3), inputs="values"), "must be k, .*, and it has none"),
        (with_attributes(lambda k: None, inputs="values"), "returned a NoneType: it must return a torch.nn.Module"),
        (with_attributes(lambda k: Mine(k / 0), inputs="values"), r"built for k = 3: ZeroDivisionError: .*line \d+"),
        (with_attributes(lambda k: Mine(k).double(), inputs="values"), "float64 in 'layers.1.weight'"),
        (with_attributes(lambda k: Mine(k).half(), inputs="values"), "float16 in 'layers.1.weight'"),
        (scoring(lambda net, v: v[:, 0, 0], parameters=False), "no parameters to train"),
        (scoring(lambda net, v: net.weight * v[:, 0, :1]), r"shape \(2,\), not shape \(2, 1\): end it with"),
        (scoring(lambda net, v: net.weight * v[:, 0, :2]), r"not shape \(2, 2\): .*the difference of two logits"),
        (scoring(lambda net, v: (net.weight * v[:, 0, 0],)), "not a tuple"),
        (scoring(lambda net, v: (net.weight * v[:, 0, 0]).half()), "returns torch.float16: its output must be float32"),
        (scoring(lambda net, v: (net.weight * v[:, 0, 0]) > 0), "returns torch.bool: its output must be float32"),
        (scoring(lambda net, v: net.weight @ v[:, 0, :]), "fails on 2 windows of side 3: RuntimeError: "),
        (scoring(lambda net, v: {}[7]), r"KeyError: 7 \(test_own_nets.py, line \d+\)"),
        (scoring(lambda net, v, rows: rows, inputs="contexts"), "TypeError: .*argument"),
    ],
)
def test_what_is_wrong_with_a_factory_is_said_in_one_line(factory, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        built(factory)
    assert "\n" not in str(caught.value)
    assert "net.py:Mine" in str(caught.value)


def test_a_half_precision_output_is_allowed_inside_autocast():
    net = OwnNet(Mine(3), inputs="values", reference="mine")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert net(torch.rand(2, 3, 3)).dtype == torch.float32
