"""Nets of your own: a factory says what its net takes, and becomes an entry like those of the registry.

A *factory* is a class or a function that returns a :class:`torch.nn.Module`. Nothing about it is guessed; it says what
its module takes as an attribute, ``inputs``. A module that reads windows returns one logit per window, and ``k``, the
side of the windows, is the first parameter of its factory:

- ``"values"``: the module is called with values ``(B, k, k)``;
- ``"contexts"``: with values and both contexts, ``(B, k, k)`` each;
- ``"graph"``: with one batch of torch_geometric, see :func:`gnnmax.models.graphs.batch.graph_batch`.

A module that reads maps has any number of rows and columns, and returns the evidence of a peak at every entry:

- ``"maps"``: the module is called with values ``(B, n, m)``, NaN where nothing is observed, and returns ``(B, n, m)``.

Further attributes of a factory of nets on windows:

- ``any_k = True`` where a trained net accepts windows of any odd side.
- ``needs_contexts``: whether windows without contexts are refused; by default where ``inputs`` is ``"contexts"``. Where
  it is False, such a net is called with None for both.

Of a factory of nets on maps:

- ``equivariant = ("relabelling", ...)``: the actions that the evidence follows, see
  :data:`gnnmax.models.maps.entry.MapSymmetry`; every run checks them. Without it none is declared.
- ``needs_nodes = True`` where rows and columns must be the same nodes: bipartite maps are then refused.

The other parameters of a factory are its config: one parameter annotated with a dataclass or a msgspec struct, or
several keywords, see :mod:`gnnmax.models.own_configs`.
"""

from __future__ import annotations

import contextlib
import functools
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gnnmax.errors import InputError
from gnnmax.models.entry import ModelEntry, NetEntry
from gnnmax.models.graphs.batch import graph_batch
from gnnmax.models.maps.entry import MapModelEntry, MapSymmetry
from gnnmax.models.own_configs import config_type

__all__ = ["OwnNet", "own_code", "own_entry"]

CALLS: dict[str, Callable[[Tensor, Tensor | None, Tensor | None], tuple[Any, ...]]] = {
    "values": lambda values, _rows, _columns: (values,),
    "contexts": lambda values, rows, columns: (values, rows, columns),
    "graph": lambda values, rows, columns: (graph_batch(values, rows, columns),),
    "maps": lambda values, _rows, _columns: (values,),
}
"""What a module is called with, for each value of ``inputs``."""

TRIED = 2
"""Windows or maps that a new net is tried on."""

SIDE = 16
"""Rows and columns of the maps that a new net is tried on."""

EXPECTED = {
    False: ("one logit for each", "end it with .squeeze(-1), or with the difference of two logits"),
    True: ("the evidence of each entry", "end it with one channel and .squeeze(1)"),
}
"""What a net must return, of windows and of maps, and what to do."""

HERE = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def own_code(doing: str) -> Iterator[None]:
    """Turn any failure of code that is not of this package into an error of one line, with its place.

    Raises:
        InputError: the block raised an exception, which stays its cause.

    Example:
        >>> with own_code("the net mine fails"):
        ...     1 / 0
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the net mine fails: ZeroDivisionError: division by zero (...)
    """
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        said = str(error).strip().split("\n")[0]
        place = "" if isinstance(error, SyntaxError) else _place(error)
        raise InputError(f"{doing}: {type(error).__name__}{': ' if said else ''}{said}{place}") from error


def _place(error: BaseException) -> str:
    """Name the file and the line of the last frame that is neither of this package nor of a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "site-packages" not in f.filename and not Path(f.filename).is_relative_to(HERE)]
    own = [frame for frame in own if not frame.filename.startswith("<frozen")]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


class OwnNet(nn.Module):
    """A module with the arguments of every net of the registry; its output is checked.

    Its weights have the names that they have in the module. The module gets copies of the examples, so that it cannot
    change those of the nets beside it.

    Args:
        module: The module.
        inputs: What it takes, a key of :data:`CALLS`.
        reference: How to name it in errors.

    Example:
        >>> net = OwnNet(nn.Sequential(nn.Flatten(), nn.Linear(9, 1), nn.Flatten(0)), inputs="values", reference="mine")
        >>> net(torch.rand(4, 3, 3), None, None).shape, list(net.state_dict())
        (torch.Size([4]), ['1.weight', '1.bias'])
        >>> OwnNet(nn.Identity(), inputs="maps", reference="mine")(torch.rand(2, 5, 7)).shape
        torch.Size([2, 5, 7])
    """

    def __init__(self, module: nn.Module, *, inputs: str, reference: str) -> None:
        super().__init__()
        self.module = module
        self._inputs, self._reference = inputs, reference

    def forward(
        self, values: Tensor, row_context: Tensor | None = None, column_context: Tensor | None = None
    ) -> Tensor:
        """Return the logits of windows, shape ``(B,)``, or the evidence of maps, ``(B, n, m)``, float32.

        Raises:
            InputError: the module fails, or does not return one number for each window or entry.
        """
        given = (None if part is None else part.clone() for part in (values, row_context, column_context))
        count, n, m = values.shape
        what = f"{count} maps of {n} x {m}" if self._inputs == "maps" else f"{count} windows of side {m}"
        with own_code(f"the net {self._reference} fails on {what}"):
            output = self.module(*CALLS[self._inputs](*given))  # type: ignore[arg-type]
        return self._checked(output, values.shape, what)

    def _checked(self, output: Any, shape: torch.Size, what: str) -> Tensor:
        maps = self._inputs == "maps"
        expected = tuple(shape) if maps else (shape[0],)
        if not isinstance(output, Tensor) or output.shape != expected:
            came = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
            each, advice = EXPECTED[maps]
            raise InputError(
                f"the net {self._reference} must return {each} of {what}, shape {expected}, not {came}: {advice}"
            )
        half = output.dtype in (torch.float16, torch.bfloat16) and not torch.is_autocast_enabled(output.device.type)
        if half or not output.is_floating_point():
            raise InputError(
                f"the net {self._reference} returns {output.dtype}: its output must be float32, which has fewer ties"
            )
        return output.float()

    def state_dict(self, *args: Any, **options: Any) -> Any:
        """Return the weights by their names in the module."""
        return self.module.state_dict(*args, **options)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Load weights by their names in the module."""
        return self.module.load_state_dict(state_dict, *args, **options)


def own_entry(reference: str, factory: Any) -> NetEntry:
    """Make the entry of a net of your own, on windows or on maps; it has no ceiling.

    Args:
        reference: How to name the factory.
        factory: The factory, see :mod:`gnnmax.models.own_nets`.

    Raises:
        InputError: no factory, one that does not say what its net takes, or one whose parameters or attributes do not
            fit that.

    Example:
        >>> class Mine(nn.Module):
        ...     inputs = "values"
        ...     def __init__(self, k, width=8):
        ...         super().__init__()
        ...         self.layers = nn.Sequential(nn.Flatten(), nn.Linear(k * k, width), nn.ReLU(), nn.Linear(width, 1))
        ...     def forward(self, values):
        ...         return self.layers(values).squeeze(-1)
        >>> entry = own_entry("net.py:Mine", Mine)
        >>> entry.parse({"width": 4}), entry.group_name, entry.ceiling(9)
        (MineConfig(width=4), 'not declared', None)
        >>> own_entry("net.py:Mine", lambda k: Mine(k))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: net.py:Mine does not say what its net takes: set its attribute inputs to ...
    """
    if isinstance(factory, nn.Module):
        raise InputError(f"{reference} is a module: give the class or the function that makes it, once per seed")
    if not callable(factory):
        raise InputError(f"{reference} is a {type(factory).__name__}: give the class or the function that makes a net")
    inputs = _said(factory, "inputs", None)
    if not isinstance(inputs, str) or inputs not in CALLS:
        came = "does not say what its net takes" if inputs is None else f"says inputs = {inputs!r}"
        raise InputError(f'{reference} {came}: set its attribute inputs to "values", "contexts", "graph" or "maps"')
    maps = inputs == "maps"
    config, whole = config_type(reference, factory, sided=not maps)

    def build(k: int | None, given: Any) -> nn.Module:
        side = () if maps else (k,)
        with own_code(f"the net {reference} cannot be built{'' if maps else f' for k = {k}'}"):
            options = {name: getattr(given, name) for name in given.__struct_fields__} if not whole else {}
            module = factory(*side, given) if whole else factory(*side, **options)
        net = OwnNet(_checked_module(reference, module), inputs=inputs, reference=reference)
        _try(net, _examples(inputs, k))
        return net

    shared: dict[str, Any] = {
        "name": reference,
        "summary": f"A net of your own, {reference}.",
        "config": config,
        "source": reference,
    }
    if maps:
        return MapModelEntry(
            build=functools.partial(build, None),
            equivariant=_declared(reference, _said(factory, "equivariant", None)),
            needs_nodes=bool(_said(factory, "needs_nodes", default=False)),
            **shared,
        )
    return ModelEntry(
        build=build,
        group=None,
        any_k=bool(_said(factory, "any_k", default=False)),
        needs_contexts=bool(_said(factory, "needs_contexts", default=inputs == "contexts")),
        **shared,
    )


def _declared(reference: str, actions: Any) -> tuple[MapSymmetry, ...] | None:
    """Return the actions that a net on maps is declared equivariant to."""
    if actions is None:
        return None
    known = get_args(MapSymmetry)
    if not isinstance(actions, (tuple, list)) or any(action not in known for action in actions):
        raise InputError(
            f"{reference} says equivariant = {actions!r}: give a tuple of names, of {', '.join(map(repr, known))}"
        )
    return tuple(actions)


def _said(factory: Any, name: str, default: Any) -> Any:
    """Return an attribute of a factory, or of the function that a partial call is of."""
    while isinstance(factory, functools.partial) and not hasattr(factory, name):
        factory = factory.func
    return getattr(factory, name, default)


def _checked_module(reference: str, module: Any) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise InputError(f"{reference} returned a {type(module).__name__}: it must return a torch.nn.Module")
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise InputError(f"the net {reference} has no parameters to train: evaluate it as a scorer, gnnmax.evaluate")
    for key, tensor in (*module.named_parameters(), *module.named_buffers()):
        if not is_lazy(tensor) and tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise InputError(f"the net {reference} has {tensor.dtype} in {key!r}: nets train in float32, .float()")
    return module


def _examples(inputs: str, k: int | None) -> tuple[Tensor, ...]:
    """Return the arguments on which a new net is tried."""
    side = SIDE if k is None else k
    values = torch.linspace(0.1, 1, TRIED * side * side).reshape(TRIED, side, side)
    if inputs == "maps":
        return (values + values.mT,)  # a graph without directions, which every net on maps reads
    context = (1 - torch.eye(side)).expand(TRIED, side, side)
    return (values, context, context) if inputs == "contexts" else (values,)


def _try(net: OwnNet, examples: tuple[Tensor, ...]) -> None:
    """Call a new net once: lazy layers make their weights, and a wrong output is seen at once."""
    modes = [(part, part.training) for part in net.modules()]
    net.eval()
    with torch.no_grad():
        net(*examples)
    for part, training in modes:
        part.training = training
