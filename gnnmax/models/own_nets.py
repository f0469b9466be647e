"""Nets of your own: a factory says what its net takes, and becomes an entry like those of the registry.

A *factory* is a class or a function. Its first parameter is ``k``, the side of the windows. It returns a
:class:`torch.nn.Module` with one logit per window. Nothing about it is guessed; it says, as attributes:

- ``inputs``, always: ``"values"``, the module is called with values ``(B, k, k)``; ``"contexts"``, with values and both
  contexts, ``(B, k, k)`` each; ``"graph"``, with one batch of torch_geometric, see
  :func:`gnnmax.models.graphs.batch.graph_batch`.
- ``any_k = True`` where a trained net accepts windows of any odd side.
- ``needs_contexts``: whether windows without contexts are refused; by default where ``inputs`` is ``"contexts"``. Where
  it is False, such a net is called with None for both.

Its other parameters are its config: one parameter annotated with a dataclass or a msgspec struct, or several keywords.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_origin

import msgspec
import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gnnmax.errors import InputError
from gnnmax.models.entry import Config, ModelEntry
from gnnmax.models.graphs.batch import graph_batch

__all__ = ["OwnNet", "own_code", "own_entry"]

CALLS: dict[str, Callable[[Tensor, Tensor | None, Tensor | None], tuple[Any, ...]]] = {
    "values": lambda values, _rows, _columns: (values,),
    "contexts": lambda values, rows, columns: (values, rows, columns),
    "graph": lambda values, rows, columns: (graph_batch(values, rows, columns),),
}
"""What a module is called with, for each value of ``inputs``."""

TRIED = 2
"""Windows that a new net is tried on."""

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

    Its weights have the names that they have in the module. The module gets copies of the windows, so that it cannot
    change those of the nets beside it.

    Args:
        module: The module.
        inputs: What it takes, a key of :data:`CALLS`.
        reference: How to name it in errors.

    Example:
        >>> net = OwnNet(nn.Sequential(nn.Flatten(), nn.Linear(9, 1), nn.Flatten(0)), inputs="values", reference="mine")
        >>> net(torch.rand(4, 3, 3), None, None).shape, list(net.state_dict())
        (torch.Size([4]), ['1.weight', '1.bias'])
    """

    def __init__(self, module: nn.Module, *, inputs: str, reference: str) -> None:
        super().__init__()
        self.module = module
        self._inputs, self._reference = inputs, reference

    def forward(
        self, values: Tensor, row_context: Tensor | None = None, column_context: Tensor | None = None
    ) -> Tensor:
        """Return the logits of windows, shape ``(B,)``, float32.

        Raises:
            InputError: the module fails, or does not return one logit per window.
        """
        given = (None if part is None else part.clone() for part in (values, row_context, column_context))
        with own_code(f"the net {self._reference} fails on {len(values)} windows of side {values.shape[-1]}"):
            output = self.module(*CALLS[self._inputs](*given))  # type: ignore[arg-type]
        return self._checked(output, len(values))

    def _checked(self, output: Any, n: int) -> Tensor:
        if not isinstance(output, Tensor) or output.shape != (n,):
            came = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
            raise InputError(
                f"the net {self._reference} must return one logit for each of {n} windows, shape ({n},), not {came}: "
                "end it with .squeeze(-1), or with the difference of two logits"
            )
        half = output.dtype in (torch.float16, torch.bfloat16) and not torch.is_autocast_enabled(output.device.type)
        if half or not output.is_floating_point():
            raise InputError(
                f"the net {self._reference} returns {output.dtype}: logits must be float32, which has fewer ties"
            )
        return output.float()

    def state_dict(self, *args: Any, **options: Any) -> Any:
        """Return the weights by their names in the module."""
        return self.module.state_dict(*args, **options)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Load weights by their names in the module."""
        return self.module.load_state_dict(state_dict, *args, **options)


def own_entry(reference: str, factory: Any) -> ModelEntry:
    """Make the entry of a net of your own; it declares no group, so it has no ceiling.

    Args:
        reference: How to name the factory.
        factory: The factory, see :mod:`gnnmax.models.own_nets`.

    Raises:
        InputError: no factory, one that does not say what its net takes, or one whose first parameter is not ``k``.

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
        raise InputError(f'{reference} {came}: set its attribute inputs to "values", "contexts" or "graph"')
    config, whole = _config_type(reference, factory)

    def build(k: int, given: Any) -> nn.Module:
        with own_code(f"the net {reference} cannot be built for k = {k}"):
            options = {name: getattr(given, name) for name in given.__struct_fields__} if not whole else {}
            module = factory(k, given) if whole else factory(k, **options)
        net = OwnNet(_checked_module(reference, module), inputs=inputs, reference=reference)
        _try(net, k, contexts=inputs == "contexts")
        return net

    return ModelEntry(
        name=reference,
        summary=f"A net of your own, {reference}.",
        build=build,
        config=config,
        group=None,
        any_k=bool(_said(factory, "any_k", default=False)),
        source=reference,
        needs_contexts=bool(_said(factory, "needs_contexts", default=inputs == "contexts")),
    )


def _said(factory: Any, name: str, default: Any) -> Any:
    """Return an attribute of a factory, or of the function that a partial call is of."""
    while isinstance(factory, functools.partial) and not hasattr(factory, name):
        factory = factory.func
    return getattr(factory, name, default)


def _config_type(reference: str, factory: Any) -> tuple[type[Any], bool]:
    """Return the type of a factory's config, and whether the factory takes it as one argument."""
    parameters = [
        parameter
        for parameter in _signature(reference, factory).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if not parameters or parameters[0].name != "k" or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        came = f"not {parameters[0].name}" if parameters else "and it has none"
        raise InputError(f"the first parameter of {reference} must be k, the side of the windows, {came}")
    others = parameters[1:]
    if len(others) == 1 and _is_config_type(others[0].annotation):
        return others[0].annotation, True
    fields: list[Any] = []
    for parameter in others:
        kind = _plain_type(parameter.annotation)
        if parameter.default is parameter.empty:
            fields.append((parameter.name, kind))
        elif _is_plain(parameter.default):
            fields.append((parameter.name, kind, parameter.default))
    name = reference.rpartition(":")[2].rpartition(".")[2]
    return msgspec.defstruct(f"{name if name.isidentifier() else 'Own'}Config", fields, bases=(Config,)), False


def _signature(reference: str, factory: Any) -> inspect.Signature:
    try:
        return inspect.signature(factory, eval_str=True)
    except (ValueError, TypeError):
        raise InputError(f"the parameters of {reference} cannot be read: wrap it in a function of k") from None
    except Exception:  # an annotation that exists for type checkers only
        return inspect.signature(factory)


def _is_config_type(annotation: Any) -> bool:
    return isinstance(annotation, type) and (is_dataclass(annotation) or issubclass(annotation, Struct))


def _plain_type(annotation: Any) -> Any:
    """Return the type by which a keyword is checked: its annotation if it is one of plain values, else anything."""
    plain = annotation in (int, float, bool, str) or str(get_origin(annotation)) == "typing.Literal"
    return annotation if plain else Any


def _is_plain(value: Any) -> bool:
    try:
        return bool(msgspec.json.decode(msgspec.json.encode(value)) == msgspec.to_builtins(value))
    except (TypeError, ValueError, msgspec.MsgspecError):
        return False


def _checked_module(reference: str, module: Any) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise InputError(f"{reference} returned a {type(module).__name__}: it must return a torch.nn.Module")
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise InputError(f"the net {reference} has no parameters to train: evaluate it as a scorer, gnnmax.evaluate")
    for key, tensor in (*module.named_parameters(), *module.named_buffers()):
        if not is_lazy(tensor) and tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise InputError(f"the net {reference} has {tensor.dtype} in {key!r}: nets train in float32, .float()")
    return module


def _try(net: OwnNet, k: int, *, contexts: bool) -> None:
    """Call a new net once: lazy layers make their weights, and a wrong output is seen at once."""
    values = torch.linspace(0.1, 1, TRIED * k * k).reshape(TRIED, k, k)
    context = (1 - torch.eye(k)).expand(TRIED, k, k) if contexts else None
    modes = [(part, part.training) for part in net.modules()]
    net.eval()
    with torch.no_grad():
        net(values, context, context)
    for part, training in modes:
        part.training = training
