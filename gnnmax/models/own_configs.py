"""The config of a net of your own, read from the parameters of its factory."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from typing import Any, get_origin

import msgspec
from msgspec import Struct

from gnnmax.errors import InputError
from gnnmax.models.entry import Config

__all__ = ["config_type"]


def config_type(reference: str, factory: Any, *, sided: bool) -> tuple[type[Any], bool]:
    """Return the type of a factory's config, and whether the factory takes it as one argument.

    Args:
        reference: How to name the factory.
        factory: The factory, see :mod:`gnnmax.models.own_nets`.
        sided: Whether its first parameter is ``k``, the side of the windows, which is not part of the config.

    Raises:
        InputError: the first parameter is not ``k`` although it should be; or the parameters cannot be read.

    Example:
        >>> def factory(k, width: int = 8): ...
        >>> config_type("net.py:factory", factory, sided=True)[0](width=4)
        factoryConfig(width=4)
    """
    parameters = [
        parameter
        for parameter in _signature(reference, factory).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if sided and (not parameters or parameters[0].name != "k" or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY):
        came = f"not {parameters[0].name}" if parameters else "and it has none"
        raise InputError(f"the first parameter of {reference} must be k, the side of the windows, {came}")
    others = parameters[1:] if sided else parameters
    if not sided and others and others[0].name == "k" and others[0].default is inspect.Parameter.empty:
        raise InputError(f"{reference} makes a net on maps, which have no side: leave out its parameter k")
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
